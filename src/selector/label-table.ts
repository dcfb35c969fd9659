/**
 * Who has which label with which value, and which selectors ask for it.
 *
 * There is one object per label value in use; items hold references to these, so that 50,000 items cost neither
 * 50,000 copies of their strings nor an index of their own.
 */
import { addTo, type Bag, elementsOf, removeFrom, sizeOf } from './bag.ts';
import type { Clause } from './clauses.ts';
import type { Selector } from './selector.ts';

/** Labels of its own and, after these, the parents'; the first that has a label wins. */
export class Item {
  readonly id: string;
  values: readonly LabelValue[] = [];
  parents: readonly Parent[] = [];
  matches: Bag<Entry>;

  constructor(id: string) {
    this.id = id;
  }

  get(label: string): string | undefined {
    const own = valueIn(this.values, label);
    if (own !== undefined) return own;
    for (const parent of this.parents) {
      const inherited = valueIn(parent.values, label);
      if (inherited !== undefined) return inherited;
    }
    return undefined;
  }
}

export class Parent {
  readonly name: string;
  values: readonly LabelValue[] = [];
  readonly items = new Set<Item>();

  constructor(name: string) {
    this.name = name;
  }
}

/** The text of the label among the values. */
export function valueIn(values: readonly LabelValue[], label: string): string | undefined {
  for (const value of values) if (value.label.name === label) return value.value;
  return undefined;
}

/** A selector in the index. */
export class Entry {
  readonly id: string;
  selector: Selector;
  /** The labels that it names. */
  labels: ReadonlySet<string> = new Set();
  /** Under what it is filed: an item that has none of these cannot match. */
  anchors: readonly Anchor[] = [];
  /** The ids of the items that match. */
  readonly items = new Set<string>();

  constructor(id: string, selector: Selector) {
    this.id = id;
    this.selector = selector;
  }
}

/** What selectors are filed under. */
export abstract class Anchor {
  /** By each label that they name. */
  #entries: Map<string, Bag<Entry>> | undefined;
  /** How many selectors are filed here. */
  size = 0;

  /** The items that the selectors filed here may match; one may come twice. */
  abstract items(): Iterable<Item>;

  file(entry: Entry): void {
    this.#entries ??= new Map();
    this.size++;
    for (const label of entry.labels) this.#entries.set(label, addTo(this.#entries.get(label), entry));
  }

  unfile(entry: Entry): void {
    this.size--;
    for (const label of entry.labels) {
      const rest = removeFrom(this.#entries?.get(label), entry);
      if (rest) this.#entries?.set(label, rest);
      else this.#entries?.delete(label);
    }
    if (this.size === 0) this.#entries = undefined;
  }

  /** The selectors filed here whose verdict may depend on the label. */
  naming(label: string): Iterable<Entry> {
    return elementsOf(this.#entries?.get(label));
  }
}

/** A label with any value. */
export class Label extends Anchor {
  readonly name: string;
  readonly values = new Map<string, LabelValue>();

  constructor(name: string) {
    super();
    this.name = name;
  }

  *items(): Iterable<Item> {
    for (const value of this.values.values()) yield* value.items();
  }
}

export class LabelValue extends Anchor {
  readonly label: Label;
  readonly value: string;
  #items: Bag<Item>;
  #parents: Bag<Parent>;

  constructor(label: Label, value: string) {
    super();
    this.label = label;
    this.value = value;
  }

  hold(holder: Item | Parent): void {
    if (holder instanceof Item) this.#items = addTo(this.#items, holder);
    else this.#parents = addTo(this.#parents, holder);
  }

  release(holder: Item | Parent): void {
    if (holder instanceof Item) this.#items = removeFrom(this.#items, holder);
    else this.#parents = removeFrom(this.#parents, holder);
  }

  get isHeld(): boolean {
    return this.#items !== undefined || this.#parents !== undefined;
  }

  /** How much is connected by filing one more selector here. */
  get load(): number {
    let load = this.size + sizeOf(this.#items);
    for (const parent of elementsOf(this.#parents)) load += parent.items.size;
    return load;
  }

  *items(): Iterable<Item> {
    yield* elementsOf(this.#items);
    for (const parent of elementsOf(this.#parents)) yield* parent.items;
  }
}

/** No label at all: for the selectors that may match without any. */
export class Anything extends Anchor {
  readonly entries = new Set<Entry>();
  readonly #items: ReadonlyMap<string, Item>;

  constructor(items: ReadonlyMap<string, Item>) {
    super();
    this.#items = items;
  }

  override file(entry: Entry): void {
    super.file(entry);
    this.entries.add(entry);
  }

  override unfile(entry: Entry): void {
    super.unfile(entry);
    this.entries.delete(entry);
  }

  override items(): Iterable<Item> {
    return this.#items.values();
  }
}

export class LabelTable {
  readonly #labels = new Map<string, Label>();

  /** Makes these the holder's labels. Returns the values that it gained and those that it lost. */
  setLabels(holder: Item | Parent, labels: Readonly<Record<string, string>>): LabelValue[] {
    const old = holder.values;
    const values = Object.entries(labels).map(([name, text]) => this.#value(name, text));
    const gained = values.filter((value) => !old.includes(value));
    const lost = old.filter((value) => !values.includes(value));
    holder.values = values;
    for (const value of gained) value.hold(holder);
    for (const value of lost) {
      value.release(holder);
      this.collect(value);
    }
    return [...gained, ...lost];
  }

  /** The anchors of the conditions of the clause that is shared by the fewest; made where there are none. */
  anchorsFor(clauses: readonly Clause[]): Anchor[] {
    const best = clauses.toSorted((a, b) => this.#load(a) - this.#load(b))[0] ?? [];
    return best.map(({ label, value }) => (value === undefined ? this.#label(label) : this.#value(label, value)));
  }

  /** Forgets what nobody has and no selector is filed under. */
  collect(anchor: Anchor): void {
    if (anchor.size > 0) return;
    if (anchor instanceof LabelValue && !anchor.isHeld) {
      anchor.label.values.delete(anchor.value);
      this.collect(anchor.label);
    } else if (anchor instanceof Label && anchor.values.size === 0) {
      this.#labels.delete(anchor.name);
    }
  }

  /** A label with any value is never better than one with a certain value. */
  #load(clause: Clause): number {
    return clause.reduce((sum, { label, value }) => {
      return (
        sum + (value === undefined ? Number.MAX_SAFE_INTEGER : (this.#labels.get(label)?.values.get(value)?.load ?? 0))
      );
    }, 0);
  }

  #label(name: string): Label {
    let label = this.#labels.get(name);
    if (!label) {
      label = new Label(name);
      this.#labels.set(name, label);
    }
    return label;
  }

  #value(name: string, text: string): LabelValue {
    const label = this.#label(name);
    let value = label.values.get(text);
    if (!value) {
      value = new LabelValue(label, text);
      label.values.set(text, value);
    }
    return value;
  }
}
