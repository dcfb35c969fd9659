/** The part of every table that depends on configuration only, and the kernel's chains that lead into ours. */
import type { Family } from '../net/index.ts';
import { jump, rule } from './build.ts';
import type { Chain, Hook, Ruleset, TableChains, TableName } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { staticNatChains } from './nat.ts';
import { staticFilterChains } from './static-filter.ts';
import { staticMangleChains } from './static-mangle.ts';
import { staticRawChains } from './static-raw.ts';

const HOOKS: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING'],
  nat: ['PREROUTING', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/** Complete but for what endpoints, policies and pools add: dispatch chains, floating IPs, NAT-outgoing. */
export function staticTables(config: RulesConfig, family: Family): Ruleset {
  return {
    raw: table('raw', staticRawChains(config, family)),
    mangle: table('mangle', staticMangleChains(config, family)),
    nat: table('nat', staticNatChains(config, family)),
    filter: table('filter', staticFilterChains(config, family)),
  };
}

function table(name: TableName, chains: readonly Chain[]): TableChains {
  return {
    chains: new Map(chains.map((chain) => [chain.name, chain])),
    hooks: Object.fromEntries(HOOKS[name].map((hook) => [hook, { entry: [rule({}, jump(`cali-${hook}`))] }])),
  };
}
