import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { KINDS } from '../api/index.ts';
import { idOf } from './decode/index.ts';
import { parseResourceKey, resourceKey, storedNames } from './keys.ts';

interface Row {
  key: { type: string; Kind: string; Name: string; Namespace: string; CIDR: string };
  'v3.15.0'?: { path?: string };
  'v3.34-dev'?: { path?: string } | string;
}

const rows = (
  JSON.parse(readFileSync(new URL('../../test/vectors/names/keys.json', import.meta.url), 'utf8')) as Row[]
).flatMap(({ key, 'v3.15.0': older, 'v3.34-dev': newer }) => {
  const path = older?.path ?? (typeof newer === 'object' ? newer.path : undefined);
  return path ? [{ key, path }] : [];
});

/** Nothing that Felix or BGP does depends on these. */
const NOT_FOLLOWED = /^(Staged|IPAM|BlockAffinity|IPReservation|KubeControllers|LiveMigration)/;

describe("upstream's keys", () => {
  // No valid name is empty or has a slash.
  const resources = rows.filter(({ key }) => key.type === 'ResourceKey' && KINDS[key.Kind] && /^[^/]+$/.test(key.Name));

  test.each(resources)('$path', ({ key: { Kind, Name, Namespace }, path }) => {
    const plural = KINDS[Kind]?.plural as string;
    expect(resourceKey(plural, Name, Namespace)).toBe(path);
    const namespace = Namespace === '' ? {} : { namespace: Namespace };
    expect(parseResourceKey(path)).toEqual({ plural, storedName: Name, ...namespace });
    const followed = { kind: Kind, name: KINDS[Kind]?.nameFromStored(Name), ...namespace };
    expect(idOf(path)).toEqual(NOT_FOLLOWED.test(Kind) ? null : followed);
  });

  test.each(rows.filter(({ key }) => key.type === 'BlockKey'))('$path', ({ key, path }) => {
    expect(idOf(path)).toEqual({ kind: 'IPAMBlock', name: key.CIDR.replace('/', '-') });
  });
});

describe("upstream's reading of paths", () => {
  interface Path {
    readonly path: string;
    readonly parsed: {
      readonly type: string;
      readonly fields: { Kind: string; Name: string; Namespace?: string };
    } | null;
  }
  const paths = (
    JSON.parse(readFileSync(new URL('../../test/vectors/names/paths.json', import.meta.url), 'utf8')) as {
      'v3.15.0': Path;
    }[]
  ).map((row) => row['v3.15.0']);

  test.each(paths)('$path', ({ path, parsed }) => {
    if (parsed?.type === 'BlockKey') return expect(idOf(path)?.kind).toBe('IPAMBlock');
    if (parsed?.type !== 'ResourceKey') return expect(idOf(path)).toBeNull();
    const { Kind: kind, Name: name, Namespace: namespace } = parsed.fields;
    return expect(idOf(path)).toEqual({ kind, name, ...(namespace && { namespace }) });
  });
});

test('names of policies in the datastore, the one we write first', () => {
  const names = (name: string) => storedNames(KINDS.NetworkPolicy as NonNullable<(typeof KINDS)[string]>, name);
  expect(names('p')).toEqual(['default.p', 'p']);
  expect(names('knp.default.p')).toEqual(['knp.default.p']);
  expect(names('ossg.default.p')).toEqual(['ossg.default.p']);
  expect(names('default.p')).toEqual(['default.p', 'p']);
  expect(names('security.p')).toEqual(['security.p']);
});
