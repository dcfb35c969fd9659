import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CalcGraph } from '../../calc/index.ts';
import { FelixStatusKeys, MemoryStore } from '../../datastore/index.ts';
import type { Update } from '../../model/index.ts';
import { Observed } from '../observed.ts';
import { StatusReports } from '../status/index.ts';
import { Metrics, metricsOf } from './index.ts';

const PAGE = readFileSync('docs/reference/felix.md', 'utf8');

function observe(warnings: string[] = []): Observed {
  const log = { warn: (_: object, message: string) => void warnings.push(message), info() {} };
  const graph = new CalcGraph({ node: 'h1' });
  return new Observed({ graph, reports: new StatusReports(new MemoryStore(), log), log });
}

test('docs/reference/felix.md has every metric with its type and meaning, and no other', () => {
  const documented = [...PAGE.matchAll(/^\| `((?:calico_)?felix_\w+)` \| (\w+) \| (.*) \|$/gm)].map((m) => m.slice(1));
  expect(documented).toEqual(metricsOf(observe()).map(({ name, type, help }) => [name, type, help]));
});

test('docs/reference/felix.md has every status key, and no other', () => {
  const keys = new FelixStatusKeys('', 'HOST');
  const workload = {
    kind: 'WorkloadEndpoint',
    namespace: 'NAMESPACE',
    name: 'HOST-ORCHESTRATOR-WORKLOAD-ENDPOINT',
  } as const;
  const endpoints = [workload, { kind: 'HostEndpoint', name: 'NAME' } as const].map((id) => keys.endpoint(id)!);
  const all = [keys.status, keys.lastReported, ...endpoints].map((key) => key.replace('no-region', 'REGION'));
  expect([...PAGE.matchAll(/^\| `(\/calico\/\S+)` \|/gm)].map((match) => match[1])).toEqual(all);
});

test("Prometheus' text: counts and invalid resources, of which each fault is logged once", async () => {
  const warnings: string[] = [];
  const observed = observe(warnings);
  const id = { kind: 'GlobalNetworkPolicy', name: 'p' } as const;
  const invalid = (reason: string) => ({ id, value: null, invalid: { code: 'E_INVALID', reason } }) as Update;
  const metrics = new Metrics(observed, { process: false, runtime: false });
  for (const reason of ['a', 'a', 'b']) observed.onUpdates([invalid(reason)]);
  expect(warnings).toHaveLength(2);
  const text = await metrics.text();
  expect(text).toContain('calico_felix_invalid_resources{kind="GlobalNetworkPolicy"} 1');
  expect(text).toContain('felix_calc_graph_updates_processed{type="GlobalNetworkPolicy"} 3');
  expect(text).toContain('# TYPE felix_calc_graph_output_events counter');
  expect(text).not.toMatch(/^(process|nodejs)_/m);
  observed.onUpdates([{ id, value: null }]);
  expect(await metrics.text()).not.toContain('calico_felix_invalid_resources{');
});

test('counters go on when another dataplane takes the place of the one before', () => {
  const observed = observe();
  const inForce = (batches: number): void => {
    const ipsets = { counts: { batches, operations: 10 * batches, errors: 0, found: 1 }, desired: () => [] };
    observed.enforcement = { drivers: { ipsets, iptables: [] } } as unknown as NonNullable<Observed['enforcement']>;
  };
  const read = (name: string) =>
    [
      ...metricsOf(observed)
        .find((metric) => metric.name === name)!
        .read(),
    ][0]?.value;
  for (const batches of [3, 4, 0]) inForce(batches);
  expect([read('felix_ipset_calls'), read('felix_ipset_lines_executed')]).toEqual([7, 70]);
});
