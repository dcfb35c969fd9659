/**
 * Which policies and profiles this host needs: the policies that match at least one local endpoint, and the profiles
 * that one names. Changes are gathered, and settled once a flush.
 */
import { CalicoError } from '../errors/index.ts';
import type { IdKey, Labels, Policy, Profile, ResourceId, Rule, Tier } from '../model/index.ts';
import { LabelIndex } from '../selector/index.ts';
import type { EndpointResolver } from './endpoint-resolver.ts';
import type { ActivePolicy, ActiveProfile, ActiveRule } from './output.ts';
import { Pending } from './pending.ts';
import type { RuleLists, RuleScanner } from './rule-scanner.ts';
import type { SelectorCache } from './selector-cache.ts';

const ANY = { nets: [], notNets: [], selector: '', notSelector: '', ports: [], notPorts: [] };
const everything = (action: 'allow' | 'deny'): readonly Rule[] => [{ action, source: ANY, destination: ANY }];

/** Upstream has it built in. */
const ALLOW_PROFILE = 'projectcalico-default-allow';

interface Known {
  readonly policy: Policy;
  /** False: its selector does not parse, so it selects nothing. */
  readonly selects: boolean;
  /** How many local endpoints it matches. */
  matches: number;
}

export class ActiveRules {
  readonly policies = new Pending<IdKey, ActivePolicy>();
  readonly profiles = new Pending<string, ActiveProfile>();
  readonly #policies = new Map<IdKey, Known>();
  readonly #profiles = new Map<string, Profile>();
  /** Profiles that local endpoints name, and how often. */
  readonly #profileUsers = new Map<string, number>();
  readonly #profilesOf = new Map<IdKey, readonly string[]>();
  readonly #touchedPolicies = new Set<IdKey>();
  readonly #touchedProfiles = new Set<string>();
  readonly #selectors: SelectorCache;
  readonly #scanner: RuleScanner;
  readonly #endpoints: EndpointResolver;
  readonly #report: (id: ResourceId, error: CalicoError) => void;
  /** Policies over local endpoints. */
  readonly #index: LabelIndex;

  constructor(nodes: {
    selectors: SelectorCache;
    scanner: RuleScanner;
    endpoints: EndpointResolver;
    /** Hears of a resource that turns out to be unusable. */
    report: (id: ResourceId, error: CalicoError) => void;
  }) {
    this.#selectors = nodes.selectors;
    this.#scanner = nodes.scanner;
    this.#endpoints = nodes.endpoints;
    this.#report = nodes.report;
    this.#index = new LabelIndex({
      onMatch: (endpoint, policy) => {
        this.#countMatch(policy as IdKey, 1);
        this.#endpoints.addPolicy(endpoint as IdKey, policy as IdKey);
      },
      onUnmatch: (endpoint, policy) => {
        this.#countMatch(policy as IdKey, -1);
        this.#endpoints.removePolicy(endpoint as IdKey, policy as IdKey);
      },
    });
  }

  get evaluations(): number {
    return this.#index.evaluations;
  }

  /** A local endpoint. */
  setEndpoint(key: IdKey, labels: Labels, profiles: readonly string[]): void {
    this.#useProfiles(key, profiles);
    this.#index.setItem(key, labels, profiles);
  }

  removeEndpoint(key: IdKey): void {
    this.#index.deleteItem(key);
    this.#useProfiles(key, []);
    this.#profilesOf.delete(key);
  }

  setPolicy(key: IdKey, policy: Policy): void {
    const before = this.#policies.get(key);
    this.#endpoints.setPolicy(key, policy, this.#index.itemsOf(key) as ReadonlySet<IdKey>);
    this.#touchedPolicies.add(key);
    if (before?.selects && before.policy.selector === policy.selector) {
      this.#policies.set(key, { ...before, policy });
      return;
    }
    const selector = this.#parse(policy);
    this.#policies.set(key, { policy, selects: selector !== null, matches: before?.matches ?? 0 });
    if (selector) this.#index.setSelector(key, selector);
    else if (before?.selects) this.#index.deleteSelector(key);
    if (before?.selects) this.#selectors.release(before.policy.selector);
  }

  removePolicy(key: IdKey): void {
    const known = this.#policies.get(key);
    if (!known) return;
    this.#touchedPolicies.add(key);
    if (known.selects) {
      this.#index.deleteSelector(key);
      this.#selectors.release(known.policy.selector);
    }
    this.#policies.delete(key);
    this.#endpoints.forgetPolicy(key);
  }

  /** Null: the tier is gone. */
  setTier(name: string, tier: Tier | null): void {
    this.#endpoints.setTier(name, tier, (policy) => this.#index.itemsOf(policy) as ReadonlySet<IdKey>);
  }

  setProfile(profile: Profile): void {
    const { name } = profile.id;
    this.#profiles.set(name, profile);
    this.#touchedProfiles.add(name);
    this.#index.setParentLabels(name, profile.labelsToApply);
  }

  removeProfile(name: string): void {
    this.#profiles.delete(name);
    this.#touchedProfiles.add(name);
    this.#index.deleteParent(name);
  }

  /** Brings the rules of all that has changed up to date. */
  settle(): void {
    for (const key of this.#touchedPolicies) this.#settlePolicy(key);
    for (const name of this.#touchedProfiles) this.#settleProfile(name);
    this.#touchedPolicies.clear();
    this.#touchedProfiles.clear();
    this.#scanner.sweep();
  }

  #settlePolicy(key: IdKey): void {
    const known = this.#policies.get(key);
    if (!known?.matches) {
      this.#scanner.drop(key);
      this.policies.remove(key);
      return;
    }
    const { id, storedName, tier, doNotTrack, preDNAT } = known.policy;
    const rules = this.#scan(key, id, known.policy);
    this.policies.put(key, { id, storedName, tier, doNotTrack, preDNAT, ...rules });
  }

  #settleProfile(name: string): void {
    const owner = `profile ${name}`;
    if (!this.#profileUsers.has(name)) {
      this.#scanner.drop(owner);
      this.profiles.remove(name);
      return;
    }
    // Nobody knows what a missing profile would allow, nor what the ones after it may: so it denies.
    const missing = everything(name === ALLOW_PROFILE ? 'allow' : 'deny');
    const rules = this.#profiles.get(name) ?? { ingress: missing, egress: missing };
    this.profiles.put(name, { name, ...this.#scan(owner, { kind: 'Profile', name }, rules) });
  }

  /** Rules that cannot be read deny everything: to be without any would let a passing tier, or the next profile, decide. */
  #scan(owner: string, id: ResourceId, rules: RuleLists<Rule>): RuleLists<ActiveRule> {
    try {
      return this.#scanner.scan(owner, rules);
    } catch (error) {
      if (!(error instanceof CalicoError)) throw error;
      this.#report(id, error);
      const deny = everything('deny');
      return this.#scanner.scan(owner, { ingress: deny, egress: deny });
    }
  }

  #parse(policy: Policy) {
    try {
      return this.#selectors.acquire(policy.selector);
    } catch (error) {
      if (!(error instanceof CalicoError)) throw error;
      this.#report(policy.id, error);
      return null;
    }
  }

  #countMatch(policy: IdKey, by: 1 | -1): void {
    const known = this.#policies.get(policy);
    if (!known) return;
    known.matches += by;
    // Only becoming active or inactive concerns the rules.
    if (known.matches === (by === 1 ? 1 : 0)) this.#touchedPolicies.add(policy);
  }

  #useProfiles(endpoint: IdKey, profiles: readonly string[]): void {
    for (const name of profiles) this.#countUser(name, 1);
    for (const name of this.#profilesOf.get(endpoint) ?? []) this.#countUser(name, -1);
    this.#profilesOf.set(endpoint, profiles);
  }

  #countUser(profile: string, by: 1 | -1): void {
    const before = this.#profileUsers.get(profile) ?? 0;
    const now = before + by;
    if (now === 0) this.#profileUsers.delete(profile);
    else this.#profileUsers.set(profile, now);
    if (before === 0 || now === 0) this.#touchedProfiles.add(profile);
  }
}
