/**
 * Who is in the sets: every endpoint of the cluster and every network set against the selectors of the active sets.
 *
 * Members are counted, because two endpoints may have the same address.
 */
import type { EndpointPort, IdKey, Labels } from '../model/index.ts';
import { addressOf, type Cidr } from '../net/index.ts';
import { LabelIndex } from '../selector/index.ts';
import type { DataplaneUpdate, SetId, SetMember } from './output.ts';
import { protocolText, type SetDefinition } from './rule-sets.ts';
import type { WorkCounters } from './work.ts';

/** What an endpoint or network set brings to the sets that it is in. */
export interface Addressed {
  readonly nets: readonly Cidr[];
  readonly ports: readonly EndpointPort[];
}

interface ActiveSet {
  readonly definition: SetDefinition;
  readonly counts: Map<SetMember, number>;
  /** Whether somebody may have heard of it. */
  told: boolean;
  /** Whether all of it is to be told. */
  whole: boolean;
  /** Since it was last told. */
  readonly added: Set<SetMember>;
  readonly removed: Set<SetMember>;
}

export class SetMembers {
  readonly #items = new Map<IdKey, Addressed>();
  readonly #sets = new Map<SetId, ActiveSet>();
  readonly #changed = new Set<ActiveSet>();
  readonly #gone = new Set<SetId>();
  readonly #work: WorkCounters;
  readonly #index = new LabelIndex({
    onMatch: (item, set) => this.#count(set, this.#items.get(item as IdKey), 1),
    onUnmatch: (item, set) => this.#count(set, this.#items.get(item as IdKey), -1),
  });

  constructor(work: WorkCounters) {
    this.#work = work;
  }

  get evaluations(): number {
    return this.#index.evaluations;
  }

  /** How many sets are active. */
  get size(): number {
    return this.#sets.size;
  }

  setItem(key: IdKey, labels: Labels, profiles: readonly string[], { nets, ports }: Addressed): void {
    // Only what sets need is kept: the rest of a remote endpoint is garbage.
    const now: Addressed = { nets, ports };
    const before = this.#items.get(key);
    this.#items.set(key, now);
    if (before && !sameAddresses(before, now)) {
      for (const set of this.#index.selectorsOf(key)) {
        this.#count(set, now, 1);
        this.#count(set, before, -1);
      }
    }
    this.#index.setItem(key, labels, profiles);
  }

  removeItem(key: IdKey): void {
    if (!this.#items.has(key)) return;
    this.#index.deleteItem(key);
    this.#items.delete(key);
  }

  setProfileLabels(profile: string, labels: Labels): void {
    this.#index.setParentLabels(profile, labels);
  }

  removeProfileLabels(profile: string): void {
    this.#index.deleteParent(profile);
  }

  addSet(definition: SetDefinition): void {
    const told = this.#gone.delete(definition.id);
    const set: ActiveSet = { definition, counts: new Map(), told, whole: true, added: new Set(), removed: new Set() };
    this.#sets.set(definition.id, set);
    this.#changed.add(set);
    this.#index.setSelector(definition.id, definition.selector);
  }

  removeSet(id: SetId): void {
    const set = this.#sets.get(id);
    if (!set) return;
    // First, so that the index's callbacks find nothing to count down.
    this.#sets.delete(id);
    this.#changed.delete(set);
    this.#index.deleteSelector(id);
    if (set.told) this.#gone.add(id);
  }

  updates(emit: (update: DataplaneUpdate) => void): void {
    for (const set of this.#changed) {
      const { id, port } = set.definition;
      if (set.whole) {
        set.told = true;
        emit({ type: 'set', id, setType: port ? 'ip,port' : 'net', members: new Set(set.counts.keys()) });
        set.whole = false;
      } else if (set.added.size + set.removed.size > 0) {
        emit({ type: 'set-delta', id, added: [...set.added], removed: [...set.removed] });
      }
      set.added.clear();
      set.removed.clear();
    }
    this.#changed.clear();
  }

  removals(emit: (update: DataplaneUpdate) => void): void {
    for (const id of this.#gone) {
      emit({ type: 'set-gone', id });
      this.#gone.delete(id);
    }
  }

  /** The next `updates` tells every set whole. What is gone is still told as gone. */
  retell(): void {
    for (const set of this.#sets.values()) {
      set.whole = true;
      set.added.clear();
      set.removed.clear();
      this.#changed.add(set);
    }
  }

  #count(id: SetId, item: Addressed | undefined, by: 1 | -1): void {
    const set = this.#sets.get(id);
    if (!set || !item) return;
    for (const member of membersOf(set.definition, item)) {
      this.#work.membersTouched++;
      const before = set.counts.get(member) ?? 0;
      const now = before + by;
      if (now === 0) set.counts.delete(member);
      else set.counts.set(member, now);
      if (before === 0) this.#note(set, member, set.added, set.removed);
      else if (now === 0) this.#note(set, member, set.removed, set.added);
    }
  }

  /** A member came or went: what goes back to what was told is no change. */
  #note(set: ActiveSet, member: SetMember, to: Set<SetMember>, from: Set<SetMember>): void {
    if (!set.whole && !from.delete(member)) to.add(member);
    this.#changed.add(set);
  }
}

function membersOf({ port }: SetDefinition, { nets, ports }: Addressed): readonly SetMember[] {
  if (!port) return nets;
  return ports
    .filter((p) => p.name === port.name && p.protocol === port.protocol)
    .flatMap((p) => nets.map((net) => `${addressOf(net)},${protocolText(p.protocol)}:${p.port}`));
}

function sameAddresses(a: Addressed, b: Addressed): boolean {
  return (
    a.nets.length === b.nets.length &&
    a.ports.length === b.ports.length &&
    a.nets.every((net, i) => net === b.nets[i]) &&
    a.ports.every((port, i) => samePort(port, b.ports[i] as EndpointPort))
  );
}

function samePort(a: EndpointPort, b: EndpointPort): boolean {
  return a.name === b.name && a.protocol === b.protocol && a.port === b.port;
}
