import { expect, test } from 'vitest';
import { BOTH_FAMILIES } from '../../test/random/fake-host.ts';
import type { ActivePolicy } from '../calc/index.ts';
import { policy } from '../calc/testing/resources.ts';
import { Iptables } from '../drivers/iptables/index.ts';
import type { exec } from '../kernel/index.ts';
import { Policies } from './policies.ts';
import { Tables } from './tables.ts';

test('chains are made a few at a time before endpoints lead to them; those to which none leads are let go', () => {
  const run: typeof exec = async () => ({ status: 0, stdout: '', stderr: '' });
  const iptables = new Iptables({ family: 4, backend: 'nft', insertMode: 'insert', run });
  const { rules } = BOTH_FAMILIES;
  const tables = new Tables([iptables], rules, new Map());
  const policies = new Policies(tables, rules);
  const chains = () => Object.keys(iptables.tables.filter.dump('').desired);
  for (const name of ['a', 'b', 'c']) policies.set(policyOf(name));
  expect(chains()).toEqual([]);
  const steps = policies.prepare();
  const made = [...steps].length;
  expect(made).toBe(6);
  expect(chains()).toHaveLength(6);
  tables.hold('filter', 'cali-pi-default.b');
  policies.letGo();
  expect(chains()).toEqual(['cali-pi-default.b']);
  expect([...policies.prepare()]).toEqual([]);
});

function policyOf(name: string): ActivePolicy {
  const { id, tier } = policy(name);
  return { id, tier, storedName: `default.${name}`, doNotTrack: false, preDNAT: false, ingress: [], egress: [] };
}
