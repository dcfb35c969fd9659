/** JSON as Go writes it: `<`, `>` and `&` escaped, bigints as the numbers they are. Nothing is lost by reading and writing. */
import { CalicoError } from '../errors/index.ts';

interface RawJson {
  rawJSON(text: string): unknown;
}

const ESCAPED = /[<>&\u2028\u2029]/g;

/** Integers that long may be beyond 2^53: only texts with one are looked at number by number. */
const LONG = /\d{16}/;

/** JSON with integers beyond 2^53 as bigints; toJson writes it back as it was. Throws E_DATASTORE. */
export function parseJson(text: string): unknown {
  try {
    return LONG.test(text) ? JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) : JSON.parse(text);
  } catch (cause) {
    throw new CalicoError('E_DATASTORE', 'stored resource', 'is not JSON', { cause });
  }
}

export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_key, field) => (typeof field === 'bigint' ? raw(field) : field), indent);
  return text.replace(ESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function exact(_key: string, value: unknown, { source = '' }: { source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function raw(value: bigint): unknown {
  return (JSON as unknown as RawJson).rawJSON(String(value));
}
