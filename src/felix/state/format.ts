/** A state for people: what is wrong first, tables in a line each. */
import type { State, TableState } from './snapshot.ts';

/** `table`: part of a table's name; those are shown entry by entry. */
export function formatState(state: State, table?: string): string {
  const shown = table === undefined ? [] : state.tables.filter(({ table: name }) => name.includes(table));
  const sections = table === undefined ? [summaryLines(state), tableLines(state.tables)] : shown.map(entryLines);
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function summaryLines(state: State): string[] {
  const last = state.rounds.at(-1);
  const count = (wanted: string): number => state.endpoints.filter(({ state }) => state === wanted).length;
  return [
    `Felix of ${state.host}, since ${state.started}: ${state.inSync ? '' : 'not '}in sync with the datastore`,
    ...state.health.map((line) => `  ${line}`),
    ...state.configRefused.map((line) => `  configuration refused: ${line}`),
    `endpoints: ${count('up')} up, ${count('down')} down, ${count('error')} in error`,
    ...state.endpoints.flatMap(({ endpoint, problems }) => problems.map((problem) => `  ${endpoint}: ${problem}`)),
    `invalid resources: ${state.invalidResources.length}`,
    ...state.invalidResources.map(({ resource, reason }) => `  ${resource}: ${reason}`),
    last
      ? `last round: ${last.time}, ${last.outcome} in ${last.seconds.toFixed(3)} s; ${last.updates} updates, ${last.operations} operations${last.audits.length > 0 ? `, audit of ${last.audits.join(', ')}` : ''}`
      : 'no round yet',
    ...Object.entries(last?.problems ?? {}).map(([subject, problem]) => `  ${subject}: ${problem}`),
    `longest turn of the event loop: ${state.longestTurn.toFixed(3)} s`,
  ];
}

function tableLines(tables: readonly TableState[]): string[] {
  const width = Math.max(...tables.map(({ table }) => table.length), 0);
  return tables.flatMap(({ table, desired, actual, differences, problems }) => [
    `${table.padEnd(width)}  ${Object.keys(desired).length} desired, ${Object.keys(actual).length} there, ${differences.length} differ`,
    ...Object.entries(problems).map(([entry, problem]) => `  ${entry}: ${problem}`),
  ]);
}

/** `+`: to come; `-`: to go; nothing: as it is to be. */
function entryLines({ table, desired, actual, differences, problems }: TableState): string[] {
  const differs = new Set(differences);
  const marked = (mark: string, key: string, value: string | readonly string[] | undefined): string[] => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [`${mark} ${key}  ${value}`];
    return [`${mark} ${key}`, ...value.map((line) => `${mark}   ${line}`)];
  };
  const keys = [...new Set([...Object.keys(desired), ...Object.keys(actual)])].sort();
  return [
    `${table}:`,
    ...keys.flatMap((key) => [
      ...(differs.has(key)
        ? [...marked('-', key, actual[key]), ...marked('+', key, desired[key])]
        : marked(' ', key, desired[key])),
      ...(problems[key] === undefined ? [] : [`! ${problems[key]}`]),
    ]),
    ...Object.entries(problems).flatMap(([key, problem]) => (keys.includes(key) ? [] : [`! ${key}: ${problem}`])),
  ];
}
