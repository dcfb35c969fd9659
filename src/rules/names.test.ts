/** Names as upstream v3.15 gives them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { endpointChainName, ipsetName, lengthLimited, policyChainName, profileChainName } from './names.ts';

type Row = Record<'v3.15.0', Record<string, string>>;

/** Newer versions have rows of their own: chain names by kind of policy. */
function rows(file: string): Record<string, string>[] {
  const path = new URL(`../../test/vectors/rules/names/${file}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as Row[]).flatMap((row) => (row['v3.15.0'] ? [row['v3.15.0']] : []));
}

describe('names of chains', () => {
  test.each(rows('lengthLimited'))('$prefix + $suffix in $max', ({ prefix, suffix, max, id }) => {
    expect(lengthLimited(prefix as string, suffix as string, Number(max))).toBe(id);
  });

  test.each(rows('policyChains'))('policy $policy', (row) => {
    const named = { id: { kind: 'GlobalNetworkPolicy', name: 'p' }, storedName: row.policy as string } as const;
    expect([policyChainName('ingress', named), policyChainName('egress', named)]).toEqual([row.in, row.out]);
  });

  test('the namespace of a policy is part of it', () => {
    const named = { id: { kind: 'NetworkPolicy', namespace: 'ns', name: 'x' }, storedName: 'knp.default.x' } as const;
    expect(policyChainName('ingress', named)).toBe('cali-pi-ns/knp.default.x');
  });

  test.each(rows('profileChains'))('profile $profile', (row) => {
    const profile = row.profile as string;
    expect([profileChainName('ingress', profile), profileChainName('egress', profile)]).toEqual([row.in, row.out]);
  });

  test.each(rows('endpointChains'))('interface $interface', ({ interface: name, setMark: _, ...chains }) => {
    const kinds = Object.keys(chains) as Parameters<typeof endpointChainName>[0][];
    expect(kinds.length).toBe(6);
    for (const kind of kinds) expect(endpointChainName(kind, name as string)).toBe(chains[kind]);
  });
});

test.each(rows('ipsetNames'))('set $id', ({ id, v4, v6 }) => {
  expect([ipsetName(id as string, 4), ipsetName(id as string, 6)]).toEqual([v4, v6]);
});
