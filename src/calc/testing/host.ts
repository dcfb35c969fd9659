/** A graph whose every update is checked and folded: tests give it resources and look at what it has come to. */
import { type IdKey, idKey, type Kind, type ResourceId, type Update, type Values } from '../../model/index.ts';
import { CalcGraph } from '../graph.ts';
import type { DataplaneUpdate, SetId, TierPolicies } from '../output.ts';
import type { DataplaneState } from '../state.ts';
import type { Work } from '../work.ts';
import { CheckedState } from './checked-state.ts';
import { gone, put } from './resources.ts';

export class Host {
  readonly graph: CalcGraph;
  #checked = new CheckedState();

  constructor(node = 'h1') {
    this.graph = new CalcGraph({ node });
  }

  get state(): DataplaneState {
    return this.#checked.state;
  }

  /** One batch of updates and a flush; returns what was told. */
  update(...updates: Update[]): DataplaneUpdate[] {
    this.graph.onUpdates(updates);
    this.graph.flush(this.#checked.apply);
    return this.#checked.take();
  }

  put(...values: Values[Kind][]): DataplaneUpdate[] {
    return this.update(...values.map(put));
  }

  delete(...values: { readonly id: ResourceId }[]): DataplaneUpdate[] {
    return this.update(...values.map(gone));
  }

  /** A new listener takes the place of the one so far, and is told everything. */
  startAnew(): DataplaneUpdate[] {
    this.#checked = new CheckedState();
    this.#checked.isNew = true;
    this.graph.retell();
    const told = this.update();
    this.#checked.isNew = false;
    return told;
  }

  inSync(): DataplaneUpdate[] {
    this.graph.onStatus('in-sync');
    return this.update();
  }

  /** The only set of the state, or the one with this id: its members, sorted. */
  members(id: SetId = this.setIds()[0] ?? ''): string[] {
    return [...(this.state.sets.get(id)?.members ?? [])].sort();
  }

  setIds(): SetId[] {
    return [...this.state.sets.keys()];
  }

  /** `ingress: a b, egress: b` for a local endpoint, tier by tier: names of policies in their order. */
  policies(of: { readonly id: ResourceId }): string {
    const key = idKey(of.id) as IdKey;
    return policyText((this.state.workloads.get(key) ?? this.state.hostEndpoints.get(key))?.tiers ?? []);
  }

  /** How much work the change costs the graph. */
  cost(change: () => void): Work {
    const before = this.graph.work;
    change();
    const after = this.graph.work;
    const counts = Object.keys(before).map((k) => [k, after[k as keyof Work] - before[k as keyof Work]]);
    return Object.fromEntries(counts) as Work;
  }
}

export function policyText(tiers: readonly TierPolicies[]): string {
  const names = (ids: readonly ResourceId[]) => ids.map(({ name }) => name).join(' ');
  return tiers.map(({ ingress, egress }) => `ingress: ${names(ingress)}, egress: ${names(egress)}`).join('; ');
}
