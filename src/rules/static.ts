/** The part of every table that depends on configuration only, and the kernel's chains that lead into ours. */
import type { Family } from '../net/index.ts';
import { deny, jump, rule } from './build.ts';
import type { Chain, Hook, Ruleset, TableChains, TableName } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { staticNatChains } from './nat.ts';
import type { Origin } from './origin.ts';
import { staticFilterChains } from './static-filter.ts';
import { staticMangleChains } from './static-mangle.ts';
import { ROGUE, staticRawChains } from './static-raw.ts';

const HOOKS = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING'],
  nat: ['PREROUTING', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const satisfies Record<TableName, readonly Hook[]>;

/** Complete but for what endpoints, policies and pools add: dispatch chains, floating IPs, NAT-outgoing. */
export function staticTables(config: RulesConfig, family: Family): Ruleset {
  return {
    raw: tableOf(HOOKS.raw, staticRawChains(config, family), config.openstack ? { PREROUTING: [ROGUE] } : {}),
    mangle: tableOf(HOOKS.mangle, staticMangleChains(config, family)),
    nat: tableOf(HOOKS.nat, staticNatChains(config, family)),
    filter: tableOf(HOOKS.filter, staticFilterChains(config, family)),
  };
}

/** The filter table of a family that is not kept any more: what is a workload's goes nowhere. */
export function closedTable({ interfacePrefixes, filterDenyAction }: RulesConfig): TableChains {
  const origin: Origin = { type: 'default', what: 'unknown-interface' };
  const close = (side: 'inInterface' | 'outInterface') =>
    interfacePrefixes.map((prefix) => rule({ [side]: `${prefix}+` }, deny(filterDenyAction), origin, 'Closed'));
  return tableOf(
    ['INPUT', 'FORWARD'],
    [
      { name: 'cali-INPUT', rules: close('inInterface') },
      { name: 'cali-FORWARD', rules: [...close('inInterface'), ...close('outInterface')] },
    ],
  );
}

/** `others`: chains that the kernel's lead to beside the one named after it. */
function tableOf(
  hooks: readonly Hook[],
  chains: readonly Chain[],
  others: Partial<Record<Hook, readonly string[]>> = {},
): TableChains {
  const entry = (hook: Hook) => [`cali-${hook}`, ...(others[hook] ?? [])].map((chain) => rule({}, jump(chain)));
  return {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    hooks: Object.fromEntries(hooks.map((hook) => [hook, { entry: entry(hook) }])),
  };
}
