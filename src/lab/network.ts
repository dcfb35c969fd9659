/** Namespaces and the links between them. */
import { type Cidr, type Family, familyOf, lengthOf } from '../net/index.ts';
import { inside, ip, run } from './namespace.ts';
import {
  type Addressed,
  firstHostOf,
  HOST_SIDE_LINK_LOCAL,
  HOST_SIDE_MAC,
  NET,
  namespaceOf,
  namespacesOf,
  type Plan,
  type PlannedWorkload,
  UNDERLAY,
} from './plan.ts';

/** Addresses are ours alone: nothing is gained by waiting for others to object to them. */
const NO_DUPLICATE_DETECTION = ['accept_dad=0', 'accept_ra=0'].map((setting) => `net.ipv6.conf.default.${setting}`);

export async function addNamespaces(plan: Plan): Promise<void> {
  await run(
    ['ip', '-batch', '-'],
    namespacesOf(plan)
      .map((name) => `netns add ${name}`)
      .join('\n'),
  );
}

/** The switch, with a port for each host and the router. */
export async function addSwitch(plan: Plan): Promise<void> {
  const ports = [...plan.hosts, ...(plan.router ? [plan.router] : [])];
  await run(inside(NET, ['sysctl', '-q', '-w', ...NO_DUPLICATE_DETECTION]));
  await ip(NET, [
    'link set lo up',
    'link add br0 type bridge mcast_snooping 0',
    ...addresses('br0', plan.net),
    'link set br0 up',
    ...ports.flatMap(({ name }, index) => [
      `link add port${index} type veth peer name eth0 netns ${namespaceOf(name)}`,
      `link set port${index} master br0 up`,
    ]),
  ]);
}

/** A host's own side, once the switch is there: its address, and the links to its workloads. */
export async function setUpHost(
  host: Addressed,
  gateway: Addressed,
  workloads: readonly PlannedWorkload[],
): Promise<void> {
  await run(inside(host.name, ['sysctl', '-q', '-w', ...NO_DUPLICATE_DETECTION]));
  await ip(host.name, [
    'link set lo up',
    ...addresses('eth0', host),
    'link set eth0 up',
    // Without a route to 169.254.1.1 a host does not answer ARP for it.
    `route add default via ${gateway.ipv4}`,
    `route add default via ${gateway.ipv6}`,
    ...workloads.flatMap(({ name, interfaceName, mac }) => [
      `link add ${interfaceName} address ${HOST_SIDE_MAC} type veth peer name eth0 address ${mac} netns ${namespaceOf(name)}`,
      `link set ${interfaceName} up`,
    ]),
  ]);
}

/** Inside a workload: its addresses, and everything else by way of the host. */
export async function setUpWorkload(name: string, own: readonly Cidr[]): Promise<void> {
  const families = new Set<Family>(own.map(familyOf));
  await ip(name, [
    'link set lo up',
    ...own.map((address) => `addr add ${address} dev eth0${familyOf(address) === 6 ? ' nodad' : ''}`),
    'link set eth0 up',
    ...(families.has(4)
      ? ['route add 169.254.1.1 dev eth0 scope link', 'route add default via 169.254.1.1 dev eth0']
      : []),
    ...(families.has(6) ? [`route add default via ${HOST_SIDE_LINK_LOCAL} dev eth0`] : []),
  ]);
}

/** The router has an address in each network that it announces. */
export async function setUpRouter(router: Addressed, networks: readonly Cidr[]): Promise<void> {
  const forwarding = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
  await run(inside(router.name, ['sysctl', '-q', '-w', ...NO_DUPLICATE_DETECTION, ...forwarding]));
  await ip(router.name, [
    'link set lo up',
    ...addresses('eth0', router),
    'link set eth0 up',
    ...networks.map((network) => `addr add ${firstHostOf(network)}/${lengthOf(network)} dev lo${nodad(network)}`),
  ]);
}

function addresses(link: string, { ipv4, ipv6 }: Addressed): string[] {
  return [
    `addr add ${ipv4}/${UNDERLAY[4].length} dev ${link}`,
    `addr add ${ipv6}/${UNDERLAY[6].length} dev ${link} nodad`,
  ];
}

function nodad(network: Cidr): string {
  return familyOf(network) === 6 ? ' nodad' : '';
}
