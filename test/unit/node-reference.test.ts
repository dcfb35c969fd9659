/** docs/reference/node.md against the variables that the code reads, and their defaults. */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FOREIGN_PREFIXES } from '../../src/node/autodetect.ts';
import { VARIABLES } from '../../src/node/variables.ts';

const PAGE = readFileSync('docs/reference/node.md', 'utf8');
const ROWS = [...PAGE.matchAll(/^\| `([A-Z0-9_]+)` \| (?:`(.+?)`|see above)? ?\| .+ \|$/gm)];
const FILES = globSync('src/node/*.ts').filter((file) => !/(\.test|\/variables)\.ts$/.test(file));
const CODE = FILES.map((file) => readFileSync(file, 'utf8')).join('\n');

test('every variable has its row, in the code’s order', () => {
  expect(ROWS.map(([, name]) => name)).toEqual([...VARIABLES]);
});

test('every variable is read', () => {
  // Those of both families are read by one name.
  const spellings = (name: string) => [name, name.replace(/^CALICO_IPV[46]POOL/, `CALICO_IPV\${family}POOL`)];
  const reads = (name: string) => new RegExp(`\\b${name.replace('$', '\\$')}\\b`).test(CODE);
  expect(VARIABLES.filter((name) => !spellings(name).some(reads))).toEqual([]);
});

test('every name in the code is that of a variable', () => {
  const read = [...CODE.matchAll(/\benv\.([A-Z][A-Z0-9_]+)\b/g)].map(([, name]) => name as string);
  expect([...new Set(read)].filter((name) => !(VARIABLES as readonly string[]).includes(name))).toEqual([]);
});

test('the interfaces that are skipped', () => {
  const [, listed] = /^\| `first-found` \| .*These are not: names that begin with (.+) \|$/m.exec(PAGE) ?? [];
  expect([...(listed ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(FOREIGN_PREFIXES);
});

test('the defaults of the pools', () => {
  const byDefault = Object.fromEntries(ROWS.map(([, name, value]) => [name as string, value]));
  const pools = readFileSync('test/vectors/datastore/node-startup.json', 'utf8');
  const [first] = JSON.parse(pools) as {
    'v3.15.0': { written: { key: string; value: { spec: Record<string, unknown> } }[] };
  }[];
  const spec = (family: number) =>
    first?.['v3.15.0'].written.find(({ key }) => key.endsWith(`ipv${family}-ippool`))?.value.spec ?? {};
  for (const family of [4, 6]) {
    const { blockSize, vxlanMode, natOutgoing = false, nodeSelector, disableBGPExport = false } = spec(family);
    const pool = (name: string) => byDefault[`CALICO_IPV${family}POOL_${name}`];
    expect([
      pool('BLOCK_SIZE'),
      pool('VXLAN'),
      pool('NAT_OUTGOING'),
      pool('NODE_SELECTOR'),
      pool('DISABLE_BGP_EXPORT'),
    ]).toEqual([blockSize, vxlanMode, natOutgoing, nodeSelector, disableBGPExport].map(String));
  }
  expect([byDefault.CALICO_IPV4POOL_CIDR, byDefault.CALICO_IPV4POOL_IPIP]).toEqual([spec(4).cidr, spec(4).ipipMode]);
});
