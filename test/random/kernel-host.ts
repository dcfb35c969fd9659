/**
 * The machine `h1` in a real kernel: the namespace that this process is in, with a calc graph and Felix's own enforcement over
 * it. The other ends of its interfaces are in a second namespace, where the wire is.
 */
import { CalcGraph } from '../../src/calc/index.ts';
import type { DataplaneConfig } from '../../src/dataplane/index.ts';
import { Enforcement } from '../../src/felix/enforcement.ts';
import { Logs } from '../../src/felix/log.ts';
import { idKey, type Update } from '../../src/model/index.ts';
import type { Machine, Resources } from '../naive/resources.ts';
import { sh } from '../system/own-namespace.ts';
import { FLOATING, UPLINKS, WORKLOADS } from './clusters.ts';
import { BOTH_FAMILIES } from './fake-host.ts';
import { isV6 } from './frames.ts';
import { configOf, updatesOf } from './one-host.ts';
import { Wire } from './wire.ts';

const HERE = WORKLOADS.filter(({ node }) => node === 'h1');
const INTERFACES = [...Object.keys(UPLINKS), ...HERE.map(({ interfaceName }) => interfaceName)];
const ROUTER_MAC = '02:00:00:00:00:fe';
const PATIENCE = 20_000; // ms

export type Backend = 'legacy' | 'nft';

/** Interfaces, addresses, routes and neighbours; nothing of Felix yet. */
function build(others: string): void {
  const uplinks = Object.entries(UPLINKS).flatMap(([name, ips]) =>
    ips.map((ip) => `ip addr add ${ip}/${isV6(ip) ? '64 nodad' : '24'} dev ${name}`),
  );
  const routers: readonly (readonly [string, string, readonly string[]])[] = [
    ['eth0', '172.30.0.254', ['default']],
    ['eth1', '172.31.0.254', ['192.0.2.0/24']],
    ['eth0', 'fd00:30::fe', ['default']],
    ['eth1', 'fd00:31::fe', ['fd00:c0::/64']],
  ];
  sh(`
    ip netns add ${others}
    ip netns exec ${others} sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_ra=0
    sysctl -qw net.ipv4.icmp_ratelimit=0
    for i in ${INTERFACES.join(' ')}; do
      ip link add $i type veth peer name $i netns ${others}
      ip link set $i up; ip -n ${others} link set $i up
    done
    ${uplinks.join('\n')}
    ${routers
      .flatMap(([name, router, nets]) => [
        `ip neigh replace ${router} lladdr ${ROUTER_MAC} dev ${name} nud permanent`,
        ...nets.map((net) => `ip ${isV6(router) ? '-6' : '-4'} route add ${net} via ${router} dev ${name}`),
      ])
      .join('\n')}
    ${HERE.flatMap(({ name, interfaceName, ips }) =>
      // Those that Felix does not know itself; not permanent ones: they would be Felix's to take away.
      [...ips.filter(isV6), ...(FLOATING[name] ?? []).map(({ external }) => external)].map(
        (ip) => `ip neigh replace ${ip} lladdr ${ROUTER_MAC} dev ${interfaceName} nud noarp`,
      ),
    ).join('\n')}
  `);
}

export class KernelHost {
  readonly wire: Wire;
  readonly #others: string;
  readonly #backend: Backend;
  #graph = new CalcGraph({ node: 'h1' });
  #enforcement: Enforcement | undefined;
  #machine: Machine | undefined;
  #present = new Map<string, Update>();
  /** Updates that the dataplane has been told, and has taken; how its last round ended. */
  #told = 0;
  #taken = 0;
  #outcome = '';

  /** The process is in a namespace of its own. `others`: a name for the other one. */
  constructor(others: string, backend: Backend) {
    this.#others = others;
    this.#backend = backend;
    build(others);
    const links = JSON.parse(sh('ip -j link')) as { ifname: string; address: string }[];
    const macs = links.map(({ ifname, address }) => [ifname, Buffer.from(address.replaceAll(':', ''), 'hex')] as const);
    this.wire = new Wire(others, new Map(macs.filter(([name]) => INTERFACES.includes(name))));
  }

  async close(): Promise<void> {
    this.wire.close();
    await this.#enforcement?.close();
    sh(`ip netns del ${this.#others}`);
  }

  /** Makes the host this one: by what differs, or as a Felix that starts over what another has left. */
  async become(machine: Machine, resources: Resources): Promise<void> {
    const updates = new Map(updatesOf(resources).map((update) => [idKey(update.id) as string, update]));
    if (machine.endpointToHost !== this.#machine?.endpointToHost) await this.#restart(machine);
    const gone = [...this.#present]
      .filter(([key]) => !updates.has(key))
      .map(([, { id }]) => ({ id, value: null }) as Update);
    this.#graph.onUpdates([...gone, ...updates.values()]);
    this.#present = updates;
    this.#graph.onStatus('in-sync');
    this.#graph.flush((update) => {
      if (update.type === 'config') return;
      this.#told++;
      this.#enforcement?.dataplane.onUpdate(update);
    });
    await this.#settled();
    this.forgetConnections();
  }

  forgetConnections(): void {
    sh('conntrack -F 2>/dev/null');
  }

  async #restart(machine: Machine): Promise<void> {
    await this.#enforcement?.close();
    this.#machine = machine;
    this.#graph = new CalcGraph({ node: 'h1' });
    this.#present = new Map();
    this.#told = this.#taken = 0;
    const config: DataplaneConfig = {
      ...BOTH_FAMILIES,
      rules: configOf(machine),
      iptables: { ...BOTH_FAMILIES.iptables, backend: this.#backend },
    };
    this.#enforcement = await Enforcement.open(config, {
      log: new Logs({ logSeverityScreen: 'WARNING', logSeverityFile: '', logSeveritySys: '', logFilePath: '' }).logger,
      // What the Felix before left for what is no more goes at once.
      graceMs: 0,
      onRound: (_, outcome, { updates }) => {
        this.#taken += updates;
        this.#outcome = outcome;
      },
      onDeaf: (error) => {
        throw error;
      },
    });
  }

  async #settled(): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (this.#taken < this.#told || this.#outcome !== 'done' || this.#enforcement?.dataplane.roundStart !== null) {
      if (performance.now() > end) throw new Error(`the dataplane does not settle: ${this.#outcome}`);
      await new Promise((done) => setTimeout(done, 2));
    }
  }
}
