/** BIRD 2's configuration for one node. Pure. */
import { createHash } from 'node:crypto';
import type { SecretRef } from '../model/index.ts';
import type { Family } from '../net/index.ts';
import { renderFilter } from './filters.ts';
import { type Network, type Settings, settingsOf } from './network.ts';
import { type Problem, renderSession } from './session-text.ts';
import { clusterIdOf, type Session, sessionsOf } from './sessions.ts';
import { renderTables } from './tables.ts';

export interface RenderOptions {
  readonly node: string;
  /** Prefixes of the names of workload interfaces. */
  readonly interfacePrefixes: readonly string[];
  /** The password that a key of a Secret holds; null when it cannot be read. */
  readonly password: (ref: SecretRef) => string | null;
  /** Four numbers, or `hash`: of the node's name. Default: the node's IPv4 address, or the hash where it has none. */
  readonly routerId?: string | undefined;
}

export interface Rendered {
  readonly text: string;
  /** Sessions that are left out or closed. */
  readonly problems: readonly Problem[];
}

/** Seconds that BIRD waits at most for its peers after a restart, before it takes away what none of them told again. */
const RECOVERY_TIME = 30;

/** Null as long as the node is unknown or has no address: then there is nothing to speak BGP with. */
export function renderConfig(network: Network, options: RenderOptions): Rendered | null {
  const node = network.nodes.get(options.node);
  if (!node || !(node.ipv4 || node.ipv6)) return null;
  const settings = settingsOf(network, options.node);
  const sessions = sessionsOf(network, options.node);
  const rendered = sessions.map((session) =>
    renderSession(session, {
      settings,
      clusterId: clusterIdOf(node),
      password: options.password,
      filters: network.filters,
    }),
  );
  const workload = options.interfacePrefixes.map((prefix) => `ifname ~ "${prefix}*"`).join(' || ');
  const lines = [
    `# Written by calico-bgp from the datastore; changes are lost.`,
    `log stderr all;`,
    `debug protocols ${/^(debug|trace)$/i.test(settings.logSeverity) ? 'all' : '{ states }'};`,
    `router id ${routerIdOf(options, node.ipv4)};`,
    `graceful restart wait ${RECOVERY_TIME};`,
    ``,
    `protocol device { scan time 10; }`,
    ...direct(options, settings),
    ...(sessions.some(({ bfd }) => bfd) ? [`protocol bfd { }`] : []),
    ``,
    ...([4, 6] as const).flatMap((family) => [
      ...renderTables(network, settings, family, {
        node: options.node,
        workload,
        reachable: sessions.flatMap(({ family: of, peer, reachableBy }) =>
          of === family && reachableBy ? [[peer, reachableBy] as const] : [],
        ),
      }),
      ...filtersOf(network, sessions, family, settings.priority[family]),
    ]),
    ...rendered.flatMap(({ text }) => (text === null ? [] : [text, ''])),
  ];
  return { text: lines.join('\n'), problems: rendered.flatMap(({ problems }) => problems) };
}

/** The networks of interfaces; but workloads' interfaces have none, and services' are everywhere. */
function direct({ interfacePrefixes }: RenderOptions, { ignoredInterfaces }: Settings): string[] {
  const ignored = [...interfacePrefixes.map((prefix) => `${prefix}*`), 'kube-ipvs*', ...ignoredInterfaces];
  return [`protocol direct { ipv4; ipv6; interface ${ignored.map((name) => `-"${name}"`).join(', ')}, "*"; }`];
}

/** Those that a session of the family uses, in the order of their names. */
function filtersOf(network: Network, sessions: readonly Session[], family: Family, normal: number): string[] {
  const names = new Set(sessions.filter(({ family: of }) => of === family).flatMap(({ filters }) => filters));
  const used = [...names].sort().map((name) => network.filters.get(name));
  const lines = used.flatMap((filter) =>
    filter
      ? [...renderFilter(filter, 'import', family, normal), ...renderFilter(filter, 'export', family, normal)]
      : [],
  );
  return lines.length > 0 ? [...lines, ''] : [];
}

function routerIdOf({ routerId, node }: RenderOptions, ipv4: string | undefined): string {
  if (routerId !== undefined && routerId !== 'hash') return routerId;
  return routerId === undefined && ipv4 !== undefined ? ipv4 : hashOf(node);
}

/** Four bytes of the name's hash, never 0.0.0.0. */
function hashOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 4);
  return [(bytes[0] as number) % 223 || 1, bytes[1], bytes[2], bytes[3]].join('.');
}
