/** BIRD 2's configuration for one node. Pure. */
import { createHash } from 'node:crypto';
import { type Cidr, type Family, familyOf } from '../net/index.ts';
import { type Network, settingsOf } from './network.ts';
import { type Session, sessionsOf } from './sessions.ts';

export interface RenderOptions {
  readonly node: string;
  /** Prefixes of the names of workload interfaces. */
  readonly interfacePrefixes: readonly string[];
}

/** Felix owns these, and the routes over them: BIRD must not learn them, or it would pass them on as its own. */
const TUNNELS = ['tunl0', 'vxlan.calico', 'vxlan-v6.calico', 'wireguard.cali', 'wg-v6.cali'];

/** Above routes that BGP brings (100): an address that is here is here, whatever others still say while it moves. */
const LOCAL_PREFERENCE = 200;

/** Null as long as the node is unknown or has no address: then there is nothing to speak BGP with. */
export function renderConfig(network: Network, options: RenderOptions): string | null {
  const node = network.nodes.get(options.node);
  if (!node || !(node.ipv4 || node.ipv6)) return null;
  const settings = settingsOf(network, options.node);
  const sessions = sessionsOf(network, options.node);
  const workload = options.interfacePrefixes.map((prefix) => `ifname ~ "${prefix}*"`).join(' || ');
  return [
    `# Written by calico-bgp from the datastore; changes are lost.`,
    `log stderr all;`,
    `debug protocols ${/^debug$/i.test(settings.logSeverity) ? 'all' : '{ states }'};`,
    `router id ${node.ipv4 ?? routerIdOf(options.node)};`,
    `graceful restart wait 30;`,
    ``,
    `protocol device { scan time 10; }`,
    `protocol direct { ipv4; ipv6; interface ${options.interfacePrefixes.map((p) => `-"${p}*"`).join(', ')}, "*"; }`,
    ``,
    ...([4, 6] as const).flatMap((family) => tables(network, options.node, family, workload)),
    ...sessions.flatMap((session) => [renderSession(session, node.routeReflectorClusterId, settings), '']),
  ].join('\n');
}

/** Filters, the node's blocks and the kernel of one family. */
function tables(network: Network, node: string, family: Family, workload: string): string[] {
  const blocks = sorted(
    [...network.blocks.values()].filter(({ host }) => host === node).map(({ cidr }) => cidr),
    family,
  );
  const pools = sorted(
    [...network.pools.values()].map(({ cidr }) => cidr),
    family,
  );
  const tunnels = TUNNELS.map((name) => `ifname = "${name}"`).join(' || ');
  const [v, length] = family === 4 ? ['ipv4', 32] : ['ipv6', 128];
  return [
    `# Routes of workloads are worth more than what peers say of the same address.`,
    `filter from_kernel${family} {`,
    `  if ${tunnels} then reject;`,
    `  if net.len = ${length} && (${workload}) then preference = ${LOCAL_PREFERENCE};`,
    `  accept;`,
    `}`,
    `filter to_kernel${family} {`,
    `  if source = RTS_BGP || proto = "blocks${family}" then accept;`,
    `  reject;`,
    `}`,
    `# Peers hear of this node's blocks, of its workloads outside them, and of what the cluster's other nodes announce.`,
    `filter to_peers${family} {`,
    `  if proto = "blocks${family}" then accept;`,
    `  if source = RTS_INHERIT && preference = ${LOCAL_PREFERENCE} then {`,
    ...(blocks.length > 0 ? [`    if net ~ [ ${blocks.map((block) => `${block}+`).join(', ')} ] then reject;`] : []),
    `    accept;`,
    `  }`,
    `  if source = RTS_BGP then {`,
    `    if bgp_path.len = 0 then accept;`,
    ...(pools.length > 0 ? [`    if net ~ [ ${pools.map((pool) => `${pool}+`).join(', ')} ] then accept;`] : []),
    `  }`,
    `  reject;`,
    `}`,
    `protocol static blocks${family} {`,
    `  ${v};`,
    ...blocks.map((block) => `  route ${block} blackhole;`),
    `}`,
    `protocol kernel kernel${family} {`,
    `  learn;`,
    `  persist;`,
    `  scan time 10;`,
    `  merge paths on;`,
    `  graceful restart on;`,
    `  ${v} { import filter from_kernel${family}; export filter to_kernel${family}; };`,
    `}`,
    ``,
  ];
}

function renderSession(
  session: Session,
  clusterId: string | undefined,
  local: { asNumber: number; listenPort: number },
): string {
  const { name, family, peer, port, peerAs } = session;
  const lines = [
    `protocol bgp ${name} {`,
    `  local ${session.local} port ${local.listenPort} as ${local.asNumber};`,
    `  neighbor ${peer} port ${port} as ${peerAs};`,
    `  multihop;`,
    ...(session.passive ? ['  passive on;'] : []),
    ...(session.reflectorClient ? ['  rr client;', `  rr cluster id ${clusterId};`] : []),
    `  graceful restart on;`,
    `  connect delay time 1;`,
    `  connect retry time 3;`,
    `  error wait time 2, 30;`,
    `  ipv${family} {`,
    `    import all;`,
    `    export filter to_peers${family};`,
    `    gateway recursive;`,
    `    add paths on;`,
    `  };`,
    `}`,
  ];
  return lines.join('\n');
}

function sorted(prefixes: readonly Cidr[], family: Family): Cidr[] {
  return prefixes.filter((prefix) => familyOf(prefix) === family).sort();
}

/** For a node without an IPv4 address: four bytes of its name's hash, never 0.0.0.0. */
function routerIdOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 4);
  return [(bytes[0] as number) % 223 || 1, bytes[1], bytes[2], bytes[3]].join('.');
}
