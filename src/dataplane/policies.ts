/** Policies and profiles: their chains, offered wherever an endpoint may use them. */
import type { ActivePolicy, ActiveProfile } from '../calc/index.ts';
import { type IdKey, idKey, type Policy } from '../model/index.ts';
import type { Family } from '../net/index.ts';
import {
  beforeFilter,
  type PolicyConfig,
  policyChainName,
  policyChains,
  profileChainName,
  profileChains,
  type RulesConfig,
  type TableName,
} from '../rules/index.ts';
import type { Tables } from './tables.ts';

/** Host endpoints have doNotTrack policies in raw and preDNAT policies in mangle. */
const BEFORE_FILTER: readonly TableName[] = ['raw', 'mangle'];
const FILTER: readonly TableName[] = ['filter'];
const POLICY_TABLES: readonly TableName[] = [...BEFORE_FILTER, ...FILTER];

export class Policies {
  readonly #tables: Tables;
  readonly #config: RulesConfig;
  readonly #storedNames = new Map<IdKey, string>();

  constructor(tables: Tables, config: RulesConfig) {
    this.#tables = tables;
    this.#config = config;
  }

  get count(): number {
    return this.#storedNames.size;
  }

  readonly storedName = (id: Policy['id']): string => this.#storedNames.get(idKey(id)) ?? id.name;

  set(policy: ActivePolicy): void {
    this.#storedNames.set(idKey(policy.id), policy.storedName);
    const chains = (config: PolicyConfig) => (family: Family) => policyChains(policy, family, config);
    if (this.#config.filterDenyAction === 'drop') this.#tables.offer(POLICY_TABLES, chains(this.#config));
    else {
      this.#tables.offer(FILTER, chains(this.#config));
      this.#tables.offer(BEFORE_FILTER, chains(beforeFilter(this.#config)));
    }
  }

  remove(id: Policy['id']): void {
    const policy = { id, storedName: this.storedName(id) };
    this.#tables.withdraw(POLICY_TABLES, [policyChainName('ingress', policy), policyChainName('egress', policy)]);
    this.#storedNames.delete(idKey(id));
  }

  setProfile(profile: ActiveProfile): void {
    this.#tables.offer(FILTER, (family) => profileChains(profile, family, this.#config));
  }

  removeProfile(name: string): void {
    this.#tables.withdraw(FILTER, [profileChainName('ingress', name), profileChainName('egress', name)]);
  }
}
