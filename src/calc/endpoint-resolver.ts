/** The endpoints of this host, with the policies that apply to each, in their order. */
import type { Direction, HostEndpoint, IdKey, Policy, Tier, WorkloadEndpoint } from '../model/index.ts';
import { LocalEndpoint } from './local-endpoint.ts';
import type { LocalHostEndpoint, LocalWorkload, TierPolicies } from './output.ts';
import { Pending } from './pending.ts';
import { type PolicyPlace, type PolicyRole, placeOf, samePlace } from './policy-order.ts';
import { Tiers } from './tiers.ts';
import type { WorkCounters } from './work.ts';

export class EndpointResolver {
  readonly workloads = new Pending<IdKey, LocalWorkload>();
  readonly hostEndpoints = new Pending<IdKey, LocalHostEndpoint>();
  readonly #endpoints = new Map<IdKey, LocalEndpoint>();
  readonly #places = new Map<IdKey, PolicyPlace>();
  readonly #tiers = new Tiers();
  readonly #policiesOf = new Map<string, Set<IdKey>>();
  readonly #touched = new Set<IdKey>();
  readonly #work: WorkCounters;

  constructor(work: WorkCounters) {
    this.#work = work;
  }

  has(key: IdKey): boolean {
    return this.#endpoints.has(key);
  }

  setEndpoint(key: IdKey, endpoint: WorkloadEndpoint | HostEndpoint): void {
    const known = this.#endpoints.get(key);
    if (known) known.endpoint = endpoint;
    else this.#endpoints.set(key, new LocalEndpoint(endpoint));
    this.#touched.add(key);
  }

  removeEndpoint(key: IdKey): void {
    this.#endpoints.delete(key);
    this.#touched.add(key);
  }

  /** `matched`: the local endpoints that the policy applies to now. */
  setPolicy(key: IdKey, policy: Policy, matched: Iterable<IdKey>): void {
    const before = this.#places.get(key);
    const now = placeOf(policy, this.#tiers.place(policy.tier));
    if (before && samePlace(before, now)) return;
    if (before) this.#leaveTier(key, before);
    const inTier = this.#policiesOf.get(policy.tier) ?? new Set();
    this.#policiesOf.set(policy.tier, inTier.add(key));
    this.#move(key, before, now, matched);
  }

  forgetPolicy(key: IdKey): void {
    const place = this.#places.get(key);
    if (place) this.#leaveTier(key, place);
    this.#places.delete(key);
  }

  /** `matchedBy`: the local endpoints that a policy applies to now. */
  setTier(name: string, tier: Tier | null, matchedBy: (policy: IdKey) => Iterable<IdKey>): void {
    if (!this.#tiers.set(name, tier)) return;
    for (const key of this.#policiesOf.get(name) ?? []) {
      const before = this.#places.get(key) as PolicyPlace;
      this.#move(key, before, { ...before, tier: this.#tiers.place(name) }, matchedBy(key));
    }
  }

  addPolicy(endpoint: IdKey, policy: IdKey): void {
    const place = this.#places.get(policy);
    if (place) this.#change(endpoint, (e) => e.add(place));
  }

  removePolicy(endpoint: IdKey, policy: IdKey): void {
    const place = this.#places.get(policy);
    if (place) this.#change(endpoint, (e) => e.remove(place));
  }

  /** Puts the policies of every endpoint that has changed in order. */
  settle(): void {
    for (const key of this.#touched) {
      const local = this.#endpoints.get(key);
      if (local) this.#resolve(key, local);
      else {
        this.workloads.remove(key);
        this.hostEndpoints.remove(key);
      }
    }
    this.#touched.clear();
  }

  #move(key: IdKey, before: PolicyPlace | undefined, now: PolicyPlace, matched: Iterable<IdKey>): void {
    this.#places.set(key, now);
    if (!before) return;
    for (const endpoint of matched) {
      this.#change(endpoint, (e) => e.remove(before));
      this.#change(endpoint, (e) => e.add(now));
    }
  }

  #leaveTier(key: IdKey, { tier }: PolicyPlace): void {
    const policies = this.#policiesOf.get(tier.name);
    policies?.delete(key);
    if (policies?.size === 0) this.#policiesOf.delete(tier.name);
  }

  #change(endpoint: IdKey, change: (local: LocalEndpoint) => void): void {
    const local = this.#endpoints.get(endpoint);
    if (!local) return;
    this.#work.policiesResolved++;
    change(local);
    this.#touched.add(endpoint);
  }

  #resolve(key: IdKey, local: LocalEndpoint): void {
    this.#work.endpointsResolved++;
    const { endpoint } = local;
    const policies = local.policies();
    const tiers = tiersOf(policies, ['normal', 'forward']);
    if (isWorkload(endpoint)) this.workloads.put(key, { endpoint, tiers });
    else {
      this.hostEndpoints.put(key, {
        endpoint,
        tiers,
        forward: tiersOf(policies, ['forward']),
        untracked: tiersOf(policies, ['untracked']),
        preDnat: tiersOf(policies, ['pre-dnat']),
      });
    }
  }
}

/** By tier and direction; a tier that has nothing to say in either is left out. */
function tiersOf(policies: readonly PolicyPlace[], roles: readonly PolicyRole[]): readonly TierPolicies[] {
  const tiers: (Pick<TierPolicies, 'tier' | 'passes'> & Record<Direction, Policy['id'][]>)[] = [];
  for (const { id, tier, role, directions } of policies) {
    if (!roles.includes(role) || directions.length === 0) continue;
    let last = tiers.at(-1);
    if (last?.tier !== tier.name) {
      last = { tier: tier.name, ...(tier.passes && { passes: true }), ingress: [], egress: [] };
      tiers.push(last);
    }
    for (const direction of directions) last[direction].push(id);
  }
  return tiers;
}

function isWorkload(endpoint: WorkloadEndpoint | HostEndpoint): endpoint is WorkloadEndpoint {
  return endpoint.id.kind === 'WorkloadEndpoint';
}
