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
import type { Recipe, Tables } from './tables.ts';

const DIRECTIONS = ['ingress', 'egress'] as const;

export class Policies {
  readonly #tables: Tables;
  readonly #config: RulesConfig;
  readonly #beforeFilter: PolicyConfig;
  readonly #policies = new Map<IdKey, ActivePolicy>();
  readonly #profiles = new Map<string, ActiveProfile>();
  /** Chains offered that nobody may have asked for yet. */
  readonly #unprepared = new Set<string>();
  readonly #held = new Set<string>();

  constructor(tables: Tables, config: RulesConfig) {
    this.#tables = tables;
    this.#config = config;
    this.#beforeFilter = beforeFilter(config);
  }

  readonly storedName = (id: Policy['id']): string => this.policy(id)?.storedName ?? id.name;

  policy(id: Policy['id']): ActivePolicy | undefined {
    return this.#policies.get(idKey(id));
  }

  profile(name: string): ActiveProfile | undefined {
    return this.#profiles.get(name);
  }

  set(policy: ActivePolicy): void {
    this.#policies.set(idKey(policy.id), policy);
    // Host endpoints have doNotTrack policies in raw and preDNAT policies in mangle.
    for (const direction of DIRECTIONS)
      this.#offer(policyChainName(direction, policy), (family, table) =>
        policyChain(direction, policy, family, table === 'filter' ? this.#config : this.#beforeFilter),
      );
  }

  /** Does nothing where it was never told: another's chains could have the name that is guessed then. */
  remove(id: Policy['id']): void {
    if (!this.policy(id)) return;
    const policy = { id, storedName: this.storedName(id) };
    for (const direction of DIRECTIONS) this.#tables.withdrawRecipe(policyChainName(direction, policy));
    this.#policies.delete(idKey(id));
  }

  setProfile(profile: ActiveProfile): void {
    this.#profiles.set(profile.name, profile);
    for (const direction of DIRECTIONS)
      this.#offer(profileChainName(direction, profile.name), (family) =>
        profileChain(direction, profile, family, this.#config),
      );
  }

  #offer(chain: string, recipe: Recipe): void {
    this.#tables.offerRecipe(chain, recipe);
    this.#unprepared.add(chain);
  }

  /**
   * Makes chains, one a step, as if endpoints led to them: they are told first, and an endpoint that comes with thousands of
   * policies would have all of them made at once.
   */
  *prepare(): Generator<void> {
    for (const chain of this.#unprepared) {
      this.#tables.hold('filter', chain);
      this.#held.add(chain);
      this.#unprepared.delete(chain);
      yield;
    }
  }

  /** Endpoints lead to what they need: what is needed by none goes. */
  letGo(): void {
    for (const chain of this.#held) this.#tables.letGo('filter', chain);
    this.#held.clear();
  }

  removeProfile(name: string): void {
    this.#profiles.delete(name);
    for (const direction of DIRECTIONS) this.#tables.withdrawRecipe(profileChainName(direction, name));
  }
}
