import { addTo, elementsOf, removeFrom } from './bag.ts';
import { type Anchor, Anything, Entry, Item, LabelTable, type LabelValue, Parent, valueIn } from './label-table.ts';
import type { Selector } from './selector.ts';

export interface LabelIndexCallbacks {
  onMatch(item: string, selector: string): void;
  onUnmatch(item: string, selector: string): void;
}

/**
 * Matches items × selectors incrementally. Items have labels of their own and inherit those of named parents: an own
 * label wins over an inherited one, an earlier parent over a later. A parent may be named before its labels are known.
 *
 * A selector is filed under label values of which every match has one (`role == 'x'`: role = x), and beneath these
 * by every label that it names. So a changed label evaluates the selectors that name it and that the item's labels
 * admit, and a new selector the items that have such a value; never everything with everything.
 *
 * The callbacks come during the call that causes them, and must not change the index.
 */
export class LabelIndex {
  readonly #callbacks: LabelIndexCallbacks;
  readonly #items = new Map<string, Item>();
  readonly #parents = new Map<string, Parent>();
  readonly #selectors = new Map<string, Entry>();
  readonly #table = new LabelTable();
  readonly #anything = new Anything(this.#items);
  #evaluations = 0;
  /** The item under evaluation: one closure serves all. */
  #subject: Item | undefined;
  readonly #labels = (name: string): string | undefined => this.#subject?.get(name);

  constructor(callbacks: LabelIndexCallbacks) {
    this.#callbacks = callbacks;
  }

  /** How many times a selector has been evaluated on an item so far: the measure of work done. */
  get evaluations(): number {
    return this.#evaluations;
  }

  setItem(id: string, labels: Readonly<Record<string, string>>, parents: readonly string[]): void {
    const known = this.#items.get(id);
    const item = known ?? new Item(id);
    this.#items.set(id, item);
    const changed = [...this.#setParents(item, parents), ...this.#table.setLabels(item, labels)];
    this.#rematch(item, changed, known ? [] : this.#anything.entries);
  }

  deleteItem(id: string): void {
    const item = this.#items.get(id);
    if (!item) return;
    for (const entry of [...elementsOf(item.matches)]) this.#unmatch(item, entry);
    this.#table.setLabels(item, {});
    this.#setParents(item, []);
    this.#items.delete(id);
  }

  setParentLabels(name: string, labels: Readonly<Record<string, string>>): void {
    const parent = this.#parent(name);
    const changed = this.#table.setLabels(parent, labels);
    if (changed.length > 0) {
      for (const item of parent.items) {
        const visible = changed.filter((value) => inherits(item, parent, value.label.name));
        this.#rematch(item, visible, []);
      }
    }
    this.#collect(parent);
  }

  /** Its items keep the name, and inherit again when the parent comes back. */
  deleteParent(name: string): void {
    if (this.#parents.has(name)) this.setParentLabels(name, {});
  }

  setSelector(id: string, selector: Selector): void {
    const old = this.#selectors.get(id);
    if (old?.selector.canonical === selector.canonical) return;
    const entry = old ?? new Entry(id, selector);
    this.#selectors.set(id, entry);
    if (old) this.#unfile(old);
    this.#file(entry, selector);
    for (const item of this.#candidates(entry)) this.#decide(item, entry);
  }

  deleteSelector(id: string): void {
    const entry = this.#selectors.get(id);
    if (!entry) return;
    for (const item of entry.items) this.#unmatch(this.#items.get(item)!, entry);
    this.#unfile(entry);
    this.#selectors.delete(id);
  }

  /** The items that match; a live view. */
  itemsOf(selector: string): ReadonlySet<string> {
    return this.#selectors.get(selector)?.items ?? new Set();
  }

  /** The selectors that match; a copy. */
  selectorsOf(item: string): ReadonlySet<string> {
    const matches = elementsOf(this.#items.get(item)?.matches);
    return new Set(Array.from(matches, (entry) => entry.id));
  }

  /** Returns the values that the item may have gained or lost by it. */
  #setParents(item: Item, names: readonly string[]): LabelValue[] {
    const old = item.parents;
    if (old.length === names.length && names.every((name, index) => old[index]?.name === name)) return [];
    item.parents = [...new Set(names)].map((name) => this.#parent(name));
    for (const parent of item.parents) parent.items.add(item);
    for (const parent of old) {
      if (item.parents.includes(parent)) continue;
      parent.items.delete(item);
      this.#collect(parent);
    }
    return [...old, ...item.parents].flatMap((parent) => parent.values);
  }

  #parent(name: string): Parent {
    let parent = this.#parents.get(name);
    if (!parent) {
      parent = new Parent(name);
      this.#parents.set(name, parent);
    }
    return parent;
  }

  #collect(parent: Parent): void {
    if (parent.items.size === 0 && parent.values.length === 0) this.#parents.delete(parent.name);
  }

  /** Decides anew the selectors that name a label of the changed values, and the extra ones. */
  #rematch(item: Item, changed: readonly LabelValue[], extra: Iterable<Entry>): void {
    const affected = new Set(extra);
    const anchors = this.#anchorsOf(item, changed);
    for (const label of new Set(changed.map((value) => value.label.name))) {
      for (const anchor of anchors) for (const entry of anchor.naming(label)) affected.add(entry);
    }
    for (const entry of affected) this.#decide(item, entry);
  }

  /** Everything that selectors which match the item, or matched it before the change, can be filed under. */
  #anchorsOf(item: Item, changed: readonly LabelValue[]): Set<Anchor> {
    const anchors = new Set<Anchor>();
    if (changed.length === 0) return anchors;
    anchors.add(this.#anything);
    for (const values of [changed, item.values, ...item.parents.map((parent) => parent.values)]) {
      for (const value of values) {
        if (value.size > 0) anchors.add(value);
        if (value.label.size > 0) anchors.add(value.label);
      }
    }
    return anchors;
  }

  #decide(item: Item, entry: Entry): void {
    this.#evaluations++;
    this.#subject = item;
    const matches = entry.selector.evaluate(this.#labels);
    if (matches === entry.items.has(item.id)) return;
    if (matches) this.#match(item, entry);
    else this.#unmatch(item, entry);
  }

  #match(item: Item, entry: Entry): void {
    entry.items.add(item.id);
    item.matches = addTo(item.matches, entry);
    this.#callbacks.onMatch(item.id, entry.id);
  }

  #unmatch(item: Item, entry: Entry): void {
    entry.items.delete(item.id);
    item.matches = removeFrom(item.matches, entry);
    this.#callbacks.onUnmatch(item.id, entry.id);
  }

  /** The items that match, and those that may. */
  #candidates(entry: Entry): Set<Item> {
    const candidates = new Set<Item>();
    for (const id of entry.items) candidates.add(this.#items.get(id)!);
    for (const anchor of entry.anchors) for (const item of anchor.items()) candidates.add(item);
    return candidates;
  }

  #file(entry: Entry, selector: Selector): void {
    const { clauses } = selector;
    entry.selector = selector;
    entry.labels = selector.labels;
    entry.anchors = clauses.length > 0 ? this.#table.anchorsFor(clauses) : [this.#anything];
    for (const anchor of entry.anchors) anchor.file(entry);
  }

  #unfile(entry: Entry): void {
    for (const anchor of entry.anchors) {
      anchor.unfile(entry);
      this.#table.collect(anchor);
    }
  }
}

/** Whether the item would get the label from this parent. */
function inherits(item: Item, parent: Parent, label: string): boolean {
  if (valueIn(item.values, label) !== undefined) return false;
  for (const earlier of item.parents) {
    if (earlier === parent) return true;
    if (valueIn(earlier.values, label) !== undefined) return false;
  }
  return false;
}
