/** Ports of a host that stay open whatever the policy, so that a mistake in it does not lock everyone out. */
import type { Direction } from '../model/index.ts';
import { addressOf, type Family, familyOf } from '../net/index.ts';
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
export function failsafeChains(table: 'raw' | 'mangle' | 'filter', config: RulesConfig, family: Family): Chain[] {
  const inbound = config.failsafeInbound.filter((port) => isOf(port, family));
  const outbound = config.failsafeOutbound.filter((port) => isOf(port, family));
  return [
    chain('ingress', inbound, table === 'raw' ? outbound : []),
    chain('egress', outbound, table === 'raw' ? inbound : []),
  ];
}

function chain(direction: Direction, to: readonly ProtocolPort[], answersFrom: readonly ProtocolPort[]): Chain {
  // What comes in comes from the other end; what goes out goes there.
  const peer = direction === 'ingress' ? 'source' : 'destination';
  const allow = ({ protocol, port, net }: ProtocolPort, side: 'source' | 'destination'): Rule => {
    const nets = net === undefined ? {} : { nets: [net] };
    const ports = { ports: [{ min: port, max: port }] };
    const sides = side === peer ? { [side]: { ...nets, ...ports } } : { [side]: ports, ...(net && { [peer]: nets }) };
    return rule({ protocol, ...sides }, ACCEPT, { type: 'failsafe', direction });
  };
  return {
    name: FAILSAFE_CHAINS[direction],
    rules: [...to.map((p) => allow(p, 'destination')), ...answersFrom.map((p) => allow(p, 'source'))],
  };
}

/** A port without a prefix is of both families. */
function isOf({ net }: ProtocolPort, family: Family): boolean {
  return net === undefined || familyOf(addressOf(net)) === family;
}
