/** Policies and profiles: their chains, offered wherever an endpoint may use them. */
import type { ActivePolicy, ActiveProfile } from '../calc/index.ts';
import { type IdKey, idKey, type Policy } from '../model/index.ts';
import {
  beforeFilter,
  type PolicyConfig,
  policyChain,
  policyChainName,
  profileChain,
  profileChainName,
  type RulesConfig,
} from '../rules/index.ts';
import type { Tables } from './tables.ts';

const DIRECTIONS = ['ingress', 'egress'] as const;

export class Policies {
  readonly #tables: Tables;
  readonly #config: RulesConfig;
  readonly #beforeFilter: PolicyConfig;
  readonly #storedNames = new Map<IdKey, string>();

  constructor(tables: Tables, config: RulesConfig) {
    this.#tables = tables;
    this.#config = config;
    this.#beforeFilter = beforeFilter(config);
  }

  get count(): number {
    return this.#storedNames.size;
  }

  readonly storedName = (id: Policy['id']): string => this.#storedNames.get(idKey(id)) ?? id.name;

  set(policy: ActivePolicy): void {
    this.#storedNames.set(idKey(policy.id), policy.storedName);
    // Host endpoints have doNotTrack policies in raw and preDNAT policies in mangle.
    for (const direction of DIRECTIONS)
      this.#tables.offerRecipe(policyChainName(direction, policy), (family, table) =>
        policyChain(direction, policy, family, table === 'filter' ? this.#config : this.#beforeFilter),
      );
  }

  remove(id: Policy['id']): void {
    const policy = { id, storedName: this.storedName(id) };
    for (const direction of DIRECTIONS) this.#tables.withdrawRecipe(policyChainName(direction, policy));
    this.#storedNames.delete(idKey(id));
  }

  setProfile(profile: ActiveProfile): void {
    for (const direction of DIRECTIONS)
      this.#tables.offerRecipe(profileChainName(direction, profile.name), (family) =>
        profileChain(direction, profile, family, this.#config),
      );
  }

  removeProfile(name: string): void {
    for (const direction of DIRECTIONS) this.#tables.withdrawRecipe(profileChainName(direction, name));
  }
}
