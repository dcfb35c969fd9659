/** What BIRD's configuration has once a family: the node's blocks, the kernel, and what peers hear by default. Pure. */
import type { IPPool, ProgrammedRoutes } from '../model/index.ts';
import {
  type Cidr,
  type Family,
  familyOf,
  type Ip,
  maxLength,
  TUNNEL_DEVICES,
  WIREGUARD_DEVICES,
} from '../net/index.ts';
import { addCommunity } from './filters.ts';
import type { Network, Settings } from './network.ts';

/** Felix's routes to other hosts' workloads: its own business, as those over its tunnels are. */
const FELIX_PROTOCOL = 80;
const TUNNELS = [...Object.values(TUNNEL_DEVICES), ...WIREGUARD_DEVICES];

/** Above routes that BGP brings (100): an address that is here is here, whatever others still say while it moves. */
const LOCAL_PREFERENCE = 200;

export interface TablesOptions {
  readonly node: string;
  /** A condition on a route: it leads to a workload of this node. */
  readonly workload: string;
  /** Peers' addresses that a gateway leads to. */
  readonly reachable: readonly (readonly [Ip, Ip])[];
}

export function renderTables(network: Network, settings: Settings, family: Family, options: TablesOptions): string[] {
  const pools = [...network.pools.values()].filter(({ cidr }) => familyOf(cidr) === family);
  const blocks = ofFamily(
    [...network.blocks.values()].filter(({ host }) => host === options.node).map(({ cidr }) => cidr),
    family,
  );
  const services = ofFamily(settings.services, family);
  return [
    ...fromKernel(family, options.workload),
    ...toKernel(pools, services, settings, family),
    ...communities(settings, family),
    ...toPeers(pools, blocks, family),
    ...statics(`blocks${family}`, family, blocks.map(blackhole)),
    ...(services.length > 0 ? statics(`services${family}`, family, services.map(blackhole)) : []),
    ...(options.reachable.length > 0
      ? statics(
          `gateways${family}`,
          family,
          options.reachable.map(([peer, gateway]) => `route ${peer}/${maxLength(family)} via ${gateway};`),
        )
      : []),
    `protocol kernel kernel${family} {`,
    `  learn;`,
    `  persist;`,
    `  scan time 10;`,
    `  merge paths on;`,
    `  graceful restart on;`,
    `  metric 0;`,
    `  ipv${family} { import filter from_kernel${family}; export filter to_kernel${family}; };`,
    `}`,
    ``,
  ];
}

function fromKernel(family: Family, workload: string): string[] {
  const tunnels = TUNNELS.map((name) => `ifname = "${name}"`).join(' || ');
  return [
    `# Routes of workloads are worth more than what peers say of the same address.`,
    `filter from_kernel${family} {`,
    `  if ${tunnels} then reject;`,
    `  if ${workload} then {`,
    `    if net.len = ${maxLength(family)} then preference = ${LOCAL_PREFERENCE};`,
    `    accept;`,
    `  }`,
    `  if krt_source = ${FELIX_PROTOCOL} then reject;`,
    `  accept;`,
    `}`,
  ];
}

function toKernel(
  pools: readonly IPPool[],
  services: readonly Cidr[],
  { programmed, priority }: Settings,
  family: Family,
): string[] {
  const others = pools.filter((pool) => !isProgrammed(pool, programmed)).map(({ cidr }) => cidr);
  return [
    `filter to_kernel${family} {`,
    ...unless('  ', services, 'reject;'),
    ...unless('  source = RTS_BGP && ', others, 'reject;'),
    `  if source = RTS_BGP || proto = "blocks${family}" || proto = "gateways${family}" then {`,
    `    if ! defined(krt_metric) then krt_metric = ${priority[family]};`,
    `    accept;`,
    `  }`,
    `  reject;`,
    `}`,
  ];
}

function isProgrammed({ ipip, vxlan }: IPPool, programmed: ProgrammedRoutes): boolean {
  if (programmed === 'all') return true;
  if (programmed === 'none' || vxlan !== 'never') return false;
  return (programmed === 'ipip') === (ipip !== 'never');
}

function communities({ advertisements }: Settings, family: Family): string[] {
  const ours = advertisements.filter(({ cidr }) => familyOf(cidr) === family);
  return [
    `function communities${family}() {`,
    ...ours.flatMap(({ cidr, communities }) =>
      communities.map((community) => `  if net ~ [ ${cidr}+ ] then ${addCommunity(community)}`),
    ),
    `}`,
  ];
}

function toPeers(pools: readonly IPPool[], blocks: readonly Cidr[], family: Family): string[] {
  const [silent, told] = [true, false].map((isSilent) =>
    pools.filter((pool) => Boolean(pool.disableBgpExport) === isSilent).map(({ cidr }) => cidr),
  ) as [Cidr[], Cidr[]];
  return [
    `# Peers hear of this node's blocks, of its workloads outside them, and of what the cluster's other nodes announce.`,
    `function to_peers${family}() {`,
    ...unless('  ', silent, 'reject;'),
    `  if proto = "blocks${family}" || proto = "services${family}" then accept;`,
    // BIRD's && and || bind alike.
    `  if proto = "known${family}" || (source = RTS_INHERIT && preference = ${LOCAL_PREFERENCE}) then {`,
    ...unless('    ', blocks, 'reject;'),
    `    accept;`,
    `  }`,
    `  if source = RTS_BGP then {`,
    `    if bgp_path.len = 0 then accept;`,
    ...unless('    ', told, 'accept;'),
    `  }`,
    `  reject;`,
    `}`,
  ];
}

/** A line for routes within the prefixes; none where there are none. `before`: indentation, then further conditions. */
function unless(before: string, prefixes: readonly Cidr[], action: string): string[] {
  if (prefixes.length === 0) return [];
  const [, indentation, conditions] = /^( *)(.*)$/.exec(before) as unknown as [string, string, string];
  const set = [...prefixes].sort().map((prefix) => `${prefix}+`);
  return [`${indentation}if ${conditions}net ~ [ ${set.join(', ')} ] then ${action}`];
}

function statics(name: string, family: Family, routes: readonly string[]): string[] {
  return [`protocol static ${name} {`, `  ipv${family};`, ...routes.map((route) => `  ${route}`), `}`];
}

function blackhole(prefix: Cidr): string {
  return `route ${prefix} blackhole;`;
}

function ofFamily(prefixes: readonly Cidr[], family: Family): Cidr[] {
  return [...new Set(prefixes)].filter((prefix) => familyOf(prefix) === family).sort();
}
