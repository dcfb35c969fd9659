/** docs/reference/felix.md against the parameters, and against the code that reads them. */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PARAMETERS } from './parameters.ts';

const PAGE = readFileSync('docs/reference/felix.md', 'utf8');
const ROW = /^\| `(\w+)` \| `(FELIX_\w+)` \| (?:`(.*?)`)? ?\| (live|at start|no) \| (.+) \|$/gm;
const rows = [...PAGE.matchAll(ROW)].map(([, name, env, byDefault, taken, text]) => ({
  name: name as string,
  env,
  byDefault: (byDefault ?? '').replaceAll('\\|', '|'),
  taken,
  text,
}));

/** Reading a parameter only to see whether it contradicts another is not doing what it says. */
const readers = globSync(['src/felix/**/*.ts', 'src/config/*.ts']).filter(
  (file) => !/(\.test|\/parameters|\/contradictions)\.ts$/.test(file),
);
const code = readers.map((file) => readFileSync(file, 'utf8')).join('\n');
const isRead = (property: string): boolean => new RegExp(`\\b${property}\\b`).test(code);

test('every parameter, in its order, with its variable and default', () => {
  expect(rows.map(({ name }) => name.toLowerCase())).toEqual(Object.keys(PARAMETERS).map((name) => name.toLowerCase()));
  for (const [i, [, parameter]] of Object.entries(PARAMETERS).entries()) {
    const { name, env, byDefault } = rows[i]!;
    expect({ name, env, byDefault }).toEqual({
      name,
      env: `FELIX_${name.toUpperCase()}`,
      byDefault: parameter.default,
    });
  }
});

test('what no code reads is said to do nothing, and why; what some code reads is not', () => {
  const silent = Object.keys(PARAMETERS).filter((property) => !isRead(property));
  const said = rows.filter(({ taken }) => taken === 'no').map(({ name }) => name.toLowerCase());
  expect(said).toEqual(silent.map((property) => property.toLowerCase()));
});

test('what the datastore cannot set is taken up at the start, everything else live', () => {
  for (const [i, [name, { flags }]] of Object.entries(PARAMETERS).entries()) {
    const { taken } = rows[i]!;
    if (taken !== 'no') expect(taken, name).toBe(flags.has('local') ? 'at start' : 'live');
  }
});
