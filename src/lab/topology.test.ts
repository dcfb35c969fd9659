import { describe, expect, it } from 'vitest';
import { changedPairs, formatMatrix, type Matrix, type Pair } from './matrix.ts';
import { namespacesOf, planOf } from './plan.ts';
import { clusterResources, workloadResource } from './resources.ts';
import { renderRouter } from './router.ts';
import { defaultTopology, readTopology } from './topology.ts';

const plain = (text: string) => text;

describe('plan', () => {
  it('everything has a name, an address and a MAC of its own', () => {
    const plan = planOf(defaultTopology(20, 10));
    const distinct = (values: readonly string[]) => expect(new Set(values).size).toBe(values.length);
    distinct(namespacesOf(plan));
    distinct([plan.net, ...plan.hosts, plan.router ?? plan.net].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).slice(0, -2));
    distinct(plan.workloads.map(({ mac }) => mac));
    for (const { interfaceName } of plan.workloads) expect(interfaceName).toMatch(/^cali.{1,11}$/);
    expect(namespacesOf(plan)).toHaveLength(1 + 20 + 1 + 200);
  });

  it('the example is a topology', async () => {
    const topology = await readTopology(new URL('../../examples/topology.yaml', import.meta.url).pathname);
    expect(topology.hosts.map(({ workloads }) => workloads.map(({ name }) => name))).toEqual([
      ['web1', 'db1'],
      ['web2', 'db2'],
      ['w3-1', 'w3-2', 'w3-3', 'w3-4'],
    ]);
    const peers = clusterResources(topology, planOf(topology)).filter(({ kind }) => kind === 'BGPPeer');
    expect(peers.map(({ metadata }) => metadata.name)).toEqual([
      'router-host1-ipv4',
      'router-host1-ipv6',
      'router-host2-ipv4',
      'router-host2-ipv6',
    ]);
    expect(renderRouter(topology, planOf(topology)).match(/protocol bgp \w+/g)).toHaveLength(4);
  });

  it('a workload’s resource is named as upstream names it', () => {
    const [workload] = planOf(defaultTopology(1, 1)).workloads;
    expect(workload && workloadResource(workload, []).metadata).toEqual({
      name: 'host1-lab-w1--1-eth0',
      namespace: 'default',
      labels: { app: 'web', host: 'host1' },
    });
  });
});

describe('matrix', () => {
  const of = (pairs: Pair[]): Matrix => ({ protocol: 'tcp', port: 80, endpoints: ['a', 'b'], leftOut: 0, pairs });
  const before = of([
    { from: 'a', to: 'b', ipv4: true, ipv6: true },
    { from: 'b', to: 'a', ipv4: true },
  ]);
  const now = of([
    { from: 'a', to: 'b', ipv4: true, ipv6: false },
    { from: 'b', to: 'a', ipv4: true },
  ]);

  it('knows what changed, and that nothing did where there is nothing to compare with', () => {
    expect(changedPairs(now, before)).toEqual([now.pairs[0]]);
    expect(changedPairs(now, null)).toEqual([]);
  });

  it('marks it', () => {
    const [, a, b, legend] = formatMatrix(now, before, plain).split('\n');
    expect(a).toMatch(/^a +\[4\]$/);
    expect(b).toMatch(/^b +✓ +$/);
    expect(legend).toContain('1 of 2 pairs reach each other on TCP port 80, 1 changed');
  });
});
