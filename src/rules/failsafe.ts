/** Ports of a host that stay open whatever the policy, so that a mistake in it does not lock everyone out. */
import type { Direction } from '../model/index.ts';
import { ACCEPT, rule } from './build.ts';
import type { Chain, Rule } from './chain.ts';
import type { ProtocolPort, RulesConfig } from './config.ts';

export const FAILSAFE_CHAINS: Readonly<Record<Direction, string>> = {
  ingress: 'cali-failsafe-in',
  egress: 'cali-failsafe-out',
};

/**
 * Two chains. In the raw table there is no conntrack yet: there the answers to the other direction's ports pass as well,
 * or a doNotTrack policy could take half of a connection out of tracking.
 */
export function failsafeChains(table: 'raw' | 'mangle' | 'filter', config: RulesConfig): Chain[] {
  const { failsafeInbound, failsafeOutbound } = config;
  return [
    chain('ingress', failsafeInbound, table === 'raw' ? failsafeOutbound : []),
    chain('egress', failsafeOutbound, table === 'raw' ? failsafeInbound : []),
  ];
}

function chain(direction: Direction, to: readonly ProtocolPort[], answersFrom: readonly ProtocolPort[]): Chain {
  const allow = ({ protocol, port }: ProtocolPort, side: 'source' | 'destination'): Rule =>
    rule({ protocol, [side]: { ports: [{ min: port, max: port }] } }, ACCEPT, { type: 'failsafe', direction });
  return {
    name: FAILSAFE_CHAINS[direction],
    rules: [...to.map((p) => allow(p, 'destination')), ...answersFrom.map((p) => allow(p, 'source'))],
  };
}
