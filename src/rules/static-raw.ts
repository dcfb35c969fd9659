/** Chains of the raw table: before conntrack, so anti-spoofing and doNotTrack policies. */
import { cidr, type Family, ICMPV6, UDP } from '../net/index.ts';
import { ACCEPT, clearMark, DROP, jump, rule, setMark } from './build.ts';
import type { Chain, Match } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { DISPATCH } from './dispatch.ts';
import { failsafeChains } from './failsafe.ts';
import { ALLOWED_SOURCES } from './spoofing.ts';

const CLEAR = clearMark('accept', 'pass', 'scratch0', 'scratch1');

export function staticRawChains(config: RulesConfig, family: Family): Chain[] {
  return [
    preroutingChain(config, family),
    outputChain(),
    ...(config.openstack ? [rogueChain(family)] : []),
    ...failsafeChains('raw', config, family),
  ];
}

/** Behind the chain that upstream has there, too: it marks what comes from workloads, and its rules are upstream's. */
export const ROGUE = 'cali-rogue-servers';

/** A VM has its address from its host, and its host is its router: no other VM gives out either. */
function rogueChain(family: Family): Chain {
  const udp = (from: number, to: number): Match => ({
    protocol: UDP,
    source: { ports: [{ min: from, max: from }] },
    destination: { ports: [{ min: to, max: to }] },
  });
  const answers = family === 4 ? [udp(67, 68)] : [udp(547, 546), { protocol: ICMPV6, icmp: { type: 134 } }];
  return {
    name: ROGUE,
    rules: answers.map((match) =>
      rule({ marked: ['workload'], ...match }, DROP, { type: 'default', what: 'rogue-server' }),
    ),
  };
}

function preroutingChain(config: RulesConfig, family: Family): Chain {
  return {
    name: 'cali-PREROUTING',
    rules: [
      rule({}, CLEAR),
      ...config.interfacePrefixes.map((prefix) => rule({ inInterface: `${prefix}+` }, setMark('workload'))),
      ...(config.openstack && family === 4 ? [dhcpDiscover()] : []),
      ...(config.workloadSourceSpoofing ? [rule({ marked: ['workload'] }, jump(ALLOWED_SOURCES))] : []),
      rule({ marked: ['workload'], reversePathFails: true }, DROP, { type: 'anti-spoofing' }),
      rule({ notMarked: ['workload'] }, jump(DISPATCH.fromHost)),
      rule({ marked: ['accept'] }, ACCEPT),
    ],
  };
}

/** A VM that has no address yet asks for one: from 0.0.0.0, which no route leads back to. */
function dhcpDiscover() {
  const source = { nets: [cidr('0.0.0.0/32')], ports: [{ min: 68, max: 68 }] };
  const match = { protocol: UDP, source, destination: { ports: [{ min: 67, max: 67 }] } };
  return rule(match, ACCEPT, { type: 'default', what: 'dhcp' });
}

function outputChain(): Chain {
  return {
    name: 'cali-OUTPUT',
    rules: [rule({}, CLEAR), rule({}, jump(DISPATCH.toHost)), rule({ marked: ['accept'] }, ACCEPT)],
  };
}
