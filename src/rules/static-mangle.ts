/** Chains of the mangle table: preDNAT policies of host endpoints see packets before their destination changes. */
import type { Family } from '../net/index.ts';
import { ACCEPT, jump, rule } from './build.ts';
import type { Chain } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { DISPATCH } from './dispatch.ts';
import { failsafeChains } from './failsafe.ts';

export function staticMangleChains(config: RulesConfig, family: Family): Chain[] {
  const allow = { type: config.mangleAllowAction } as const;
  return [
    {
      name: 'cali-PREROUTING',
      rules: [
        rule({ conntrack: ['RELATED', 'ESTABLISHED'] }, allow),
        rule({ marked: ['accept'] }, ACCEPT),
        rule({}, jump(DISPATCH.fromHost)),
        rule({ marked: ['accept'] }, allow, undefined, 'Host endpoint policy accepted packet.'),
      ],
    },
    ...failsafeChains('mangle', config, family),
  ];
}
