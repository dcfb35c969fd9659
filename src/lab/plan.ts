/** Names and addresses of everything in the lab, from its topology. Pure. */
import { createHash } from 'node:crypto';
import { addressOf, type Cidr, type Family, familyOf, fromBigInt, type Ip, ip, toBigInt } from '../net/index.ts';
import type { Topology } from './topology.ts';

export const PREFIX = 'calico-';
/** The namespace with the switch that connects the hosts, and etcd. */
export const NET = 'net';

/** The network between the hosts. */
export const UNDERLAY = { 4: { first: ip('172.30.0.0'), length: 16 }, 6: { first: ip('fd30::'), length: 64 } } as const;
export const ETCD_PORT = 2379;

export const HOST_SIDE_MAC = 'ee:ee:ee:ee:ee:ee';
/** What the kernel makes of HOST_SIDE_MAC. */
export const HOST_SIDE_LINK_LOCAL = 'fe80::ecee:eeff:feee:eeee';

export interface Addressed {
  readonly name: string;
  readonly ipv4: Ip;
  readonly ipv6: Ip;
}

export interface PlannedWorkload {
  readonly name: string;
  readonly host: string;
  readonly interfaceName: string;
  readonly mac: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Plan {
  readonly net: Addressed;
  readonly hosts: readonly Addressed[];
  /** Its address in the underlay. */
  readonly router: Addressed | null;
  readonly workloads: readonly PlannedWorkload[];
}

export function planOf(topology: Topology): Plan {
  return {
    net: addressed(NET, 1),
    hosts: topology.hosts.map(({ name }, index) => addressed(name, 0x100 + index + 1)),
    router: topology.router && addressed(topology.router.name, 0x200 + 1),
    workloads: topology.hosts.flatMap((host, h) =>
      host.workloads.map(({ name, labels }, w) => ({
        name,
        host: host.name,
        labels,
        interfaceName: interfaceOf(name),
        mac: `02:00:00:${[h >> 8, h & 255, w].map((n) => (n + 1).toString(16).padStart(2, '0')).join(':')}`,
      })),
    ),
  };
}

/** Every namespace of the plan. */
export function namespacesOf(plan: Plan): string[] {
  const all = [plan.net, ...plan.hosts, ...(plan.router ? [plan.router] : []), ...plan.workloads];
  return all.map(({ name }) => namespaceOf(name));
}

export function namespaceOf(name: string): string {
  return PREFIX + name;
}

export function etcdUrl(plan: Plan): string {
  return `http://${plan.net.ipv4}:${ETCD_PORT}`;
}

/** The router's own address in a network that it announces. */
export function firstHostOf(network: Cidr): Ip {
  return fromBigInt(toBigInt(addressOf(network)) + 1n, familyOf(network));
}

/** A link's name has 15 characters at most. */
function interfaceOf(workload: string): string {
  const suffix = workload.length <= 11 ? workload : createHash('sha256').update(workload).digest('hex').slice(0, 11);
  return `cali${suffix}`;
}

function addressed(name: string, offset: number): Addressed {
  const at = (family: Family) => fromBigInt(toBigInt(UNDERLAY[family].first) + BigInt(offset), family);
  return { name, ipv4: at(4), ipv6: at(6) };
}
