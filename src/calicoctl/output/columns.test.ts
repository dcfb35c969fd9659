/** Cells that no recording has. */
import { expect, test } from 'vitest';
import type { Resource } from '../../api/index.ts';
import { COLUMNS } from './columns.ts';

function cell(kind: string, heading: string, spec: Record<string, unknown>): string | undefined {
  const resource: Resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name: 'x' }, spec };
  return COLUMNS[kind]?.cells[heading]?.(resource, { asNumber: 64512 });
}

test.each([
  [1000, '1000'],
  [1000.5, '1000.5'],
  [1_000_000, '1e+06'],
  [12_345_678, '1.2345678e+07'],
  [-5, '-5'],
  [0.00001, '1e-05'],
  [1e100, '1e+100'],
])('order %d as Go prints it', (order, text) => {
  expect(cell('GlobalNetworkPolicy', 'ORDER', { order })).toBe(text);
});

test('a long list of nets is cut off', () => {
  const nets = Array.from({ length: 10 }, (_, i) => `10.0.${i}.0/24`);
  expect(cell('NetworkSet', 'NETS', { nets })).toMatch(/^10\.0\.0\.0\/24,.{65}\.\.\.$/);
  expect(cell('NetworkSet', 'NETS', { nets: nets.slice(0, 2) })).toBe('10.0.0.0/24,10.0.1.0/24');
});

test('the pods that a staged policy selects', () => {
  const matchExpressions = [{ key: 'tier', operator: 'In', values: ['a', 'b'] }];
  expect(
    cell('StagedKubernetesNetworkPolicy', 'PODSELECTOR', {
      podSelector: { matchLabels: { app: 'x' }, matchExpressions },
    }),
  ).toBe(
    '&LabelSelector{MatchLabels:map[string]string{app: x,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[a b],},},}',
  );
});
