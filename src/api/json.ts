/** JSON as Go writes it: `<`, `>` and `&` escaped, bigints as the numbers they are. */

interface RawJson {
  rawJSON(text: string): unknown;
}

const ESCAPED = /[<>&\u2028\u2029]/g;

export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_key, field) => (typeof field === 'bigint' ? raw(field) : field), indent);
  return text.replace(ESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function raw(value: bigint): unknown {
  return (JSON as unknown as RawJson).rawJSON(String(value));
}
