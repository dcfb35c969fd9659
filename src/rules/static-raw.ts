/** Chains of the raw table: before conntrack, so anti-spoofing and doNotTrack policies. */
import { cidr, type Family, UDP } from '../net/index.ts';
import { ACCEPT, clearMark, DROP, jump, rule, setMark } from './build.ts';
import type { Chain } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { DISPATCH } from './dispatch.ts';
import { failsafeChains } from './failsafe.ts';
import { ALLOWED_SOURCES } from './spoofing.ts';

const CLEAR = clearMark('accept', 'pass', 'scratch0', 'scratch1');

export function staticRawChains(config: RulesConfig, family: Family): Chain[] {
  return [preroutingChain(config, family), outputChain(), ...failsafeChains('raw', config, family)];
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
