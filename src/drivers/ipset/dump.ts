/** IP sets in words: for people who look. */
import type { IpSetHeader } from '../../kernel/index.ts';
import type { TableDump } from '../../reconcile/index.ts';
import type { SetGap } from './gaps.ts';
import type { SetContents } from './set-contents.ts';

/** All by the sets' names. Members are told in full, or how many there are. */
export function dumpSets(
  headers: ReadonlyMap<string, IpSetHeader>,
  members: ReadonlyMap<string, SetContents>,
  gaps: ReadonlyMap<string, SetGap>,
  full: boolean,
): TableDump {
  const desired: Record<string, string | readonly string[]> = {};
  const actual: Record<string, string | readonly string[]> = {};
  for (const [name, header] of headers) actual[name] = shape(header);
  for (const [name, own] of members) {
    desired[name] = describe(own, full, 'desired');
    if (name in actual) actual[name] = own.known ? describe(own, full, 'actual') : `${actual[name]}, not read`;
  }
  const problems = Object.fromEntries([...gaps].map(([name, { reason }]) => [name, reason]));
  return { table: 'IP sets', desired, actual, problems };
}

const shape = ({ type, family, maxElements }: IpSetHeader): string => `${type} IPv${family} maxelem ${maxElements}`;

function describe(
  { set, tracker }: SetContents,
  full: boolean,
  which: 'desired' | 'actual',
): string | readonly string[] {
  if (full) return [shape(set), ...[...tracker[which]()].sort()];
  const { size, pendingAdds, pendingRemoves } = tracker;
  if (which === 'desired') return `${shape(set)}: ${size} members`;
  const extra = pendingRemoves.size > 0 ? `, ${pendingRemoves.size} of them not desired` : '';
  return `${shape(set)}: ${size - pendingAdds.size + pendingRemoves.size} members${extra}`;
}
