/** From the interface of a packet to the chain of its endpoint. */
import { deny, goTo, rule } from './build.ts';
import type { Action, Chain, Rule } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { ANY_INTERFACE, type EndpointChain, endpointChainName } from './names.ts';

/** The names of the chains that dispatch: upstream's. */
export const DISPATCH = {
  fromWorkload: 'cali-from-wl-dispatch',
  toWorkload: 'cali-to-wl-dispatch',
  fromHost: 'cali-from-host-endpoint',
  toHost: 'cali-to-host-endpoint',
  fromHostForward: 'cali-from-hep-forward',
  toHostForward: 'cali-to-hep-forward',
} as const satisfies Record<EndpointChain, string>;

/** Two chains: from and to workloads. A workload's interface that nobody knows is closed. */
export function workloadDispatchChains(interfaceNames: Iterable<string>, config: RulesConfig): Chain[] {
  const names = [...interfaceNames];
  const origin = { type: 'default', what: 'unknown-interface' } as const;
  const unknown = rule({}, deny(config.filterDenyAction), origin, 'Unknown interface');
  return [dispatchChain('fromWorkload', names, unknown), dispatchChain('toWorkload', names, unknown)];
}

/**
 * One chain for each kind asked for. `*` among the names: the endpoint for every interface, which takes what no other does.
 * A packet by an interface without a host endpoint goes on.
 */
export function hostDispatchChains(interfaceNames: Iterable<string>, kinds: readonly HostChain[]): Chain[] {
  const names = [...interfaceNames];
  return kinds.map((kind) => {
    const rest = names.includes('*') ? rule({}, goTo(endpointChainName(kind, ANY_INTERFACE))) : undefined;
    return dispatchChain(
      kind,
      names.filter((name) => name !== '*'),
      rest,
    );
  });
}

type HostChain = Exclude<EndpointChain, 'toWorkload' | 'fromWorkload'>;

/** Which tables have which of the chains that dispatch to host endpoints. */
export const HOST_DISPATCH = {
  raw: ['fromHost', 'toHost'],
  mangle: ['fromHost'],
  filter: ['fromHost', 'toHost', 'fromHostForward', 'toHostForward'],
} as const satisfies Record<string, readonly HostChain[]>;

function dispatchChain(kind: EndpointChain, names: readonly string[], rest: Rule | undefined): Chain {
  const action: Action = {
    type: 'dispatch',
    by: kind.startsWith('from') ? 'inInterface' : 'outInterface',
    via: 'goto',
    table: new Map(names.toSorted().map((name) => [name, endpointChainName(kind, name)])),
  };
  return { name: DISPATCH[kind], rules: [...(names.length > 0 ? [rule({}, action)] : []), ...(rest ? [rest] : [])] };
}
