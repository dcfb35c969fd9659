/** Whether a node still speaks BGP with anybody. Pure. */
import type { Network } from './network.ts';
import { sessionsOf } from './sessions.ts';

/** Sessions of the node that can carry routes: those whose filters there are. */
export function openSessions(network: Network, node: string): number {
  return sessionsOf(network, node).filter(({ filters }) => filters.every((name) => network.filters.has(name))).length;
}
