/** TCP, UDP and SCTP port numbers and ranges. */

/** Both ends inclusive, 0–65535, `min` <= `max`. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Parses `80` or `80:90`. Null when it is neither, or a number is out of range, or the range is backwards. */
export function parsePortRange(text: string): PortRange | null {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  if (!match) return null;
  const min = Number(match[1]);
  const max = match[2] === undefined ? min : Number(match[2]);
  return min <= max && max <= 65535 ? { min, max } : null;
}

/** `80` or `80:90`. */
export function formatPortRange({ min, max }: PortRange): string {
  return min === max ? String(min) : `${min}:${max}`;
}
