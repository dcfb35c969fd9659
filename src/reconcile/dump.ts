/** A kernel table as it is to be and as it is known to be, in words: for people who look. */
import type { CalicoError } from '../errors/index.ts';

/** Entries in words, one line or several each. */
export type DumpEntries = Readonly<Record<string, string | readonly string[]>>;

export interface TableDump {
  readonly table: string;
  readonly desired: DumpEntries;
  readonly actual: DumpEntries;
  /** Why an entry is not as desired. */
  readonly problems: Readonly<Record<string, string>>;
}

/** What a driver shows of its tables; `full`: also what is long. */
export interface Dumpable {
  dump(full: boolean): TableDump[];
}

interface Tracked<V> {
  readonly desired: ReadonlyMap<string, V>;
  readonly actual: ReadonlyMap<string, V>;
  readonly failures: ReadonlyMap<string, CalicoError>;
}

export function dumpTracker<V>(table: string, tracker: Tracked<V>, text: (value: V) => string = inWords): TableDump {
  const entries = (map: ReadonlyMap<string, V>): DumpEntries =>
    Object.fromEntries([...map].map(([key, value]) => [key, text(value)]));
  const problems = Object.fromEntries([...tracker.failures].map(([key, error]) => [key, error.message]));
  return { table, desired: entries(tracker.desired), actual: entries(tracker.actual), problems };
}

/** `name value` of each field that there is. */
export function inWords(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined && field !== null && field !== false);
  return fields.map(([name, field]) => (field === true ? name : `${name} ${plain(field)}`)).join(' ');
}

function plain(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
