/**
 * The calculation graph: what a cold load and single changes cost. Prints JSON lines.
 *
 *     node --expose-gc bench/calc.ts [LOCALS POLICIES REMOTES]
 *
 * `us` is CPU time in microseconds (of one endpoint, or of one change), `mb` the growth of the heap after a collection.
 */
import { CalcGraph } from '../src/calc/index.ts';
import { networkSet, policy, profile, put, rule, workload } from '../src/calc/testing/resources.ts';
import type { Kind, Values } from '../src/model/index.ts';

const [locals, policies, remotes] = process.argv.slice(2).map(Number) as [number?, number?, number?];

function report(name: string, figures: Record<string, number>): void {
  const rounded = Object.entries(figures).map(([k, v]) => [k, Math.round(v * 100) / 100]);
  console.log(JSON.stringify({ bench: `calc/${name}`, ...Object.fromEntries(rounded) }));
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}

function endpoint(i: number, node: string) {
  const third = node === 'h1' ? 65 : 66 + (i >> 16);
  return workload(`${node}-openstack-vm-${i}-eth0`, {
    node,
    ips: [`10.${third}.${(i >> 8) & 255}.${i & 255}`],
    profiles: [`openstack-sg-${i % 20}`],
    labels: {
      app: `app${i % 100}`,
      tier: `t${i % 5}`,
      'projectcalico.org/namespace': 'openstack',
      'projectcalico.org/orchestrator': 'openstack',
      vm: `vm-${node}-${i}`,
    },
  });
}

/**
 * As the syncer would: in batches, decoded one by one, so that nothing is shared and nothing kept but by the graph.
 * Returns the graph's own CPU time in microseconds.
 */
function load(graph: CalcGraph, count: number, value: (i: number) => Values[Kind]): number {
  let us = 0;
  for (let i = 0; i < count; i += 500) {
    const batch = Array.from({ length: Math.min(500, count - i) }, (_, j) => put(structuredClone(value(i + j))));
    us += cpuMicros(() => graph.onUpdates(batch));
  }
  return us;
}

function policyOf(i: number) {
  return policy(`policy-${i}`, {
    order: i,
    selector: `app == 'app${i % 100}'`,
    ingress: [
      rule({
        protocol: 6,
        source: { selector: `app == 'app${(i + 1) % 100}'` },
        destination: { ports: [{ min: 80, max: 80 }] },
      }),
      rule({
        protocol: 6,
        source: { selector: `tier == 't${i % 5}' && app in {'app${i % 100}','app${(i + 50) % 100}'}` },
      }),
    ],
  });
}

function cold(localCount: number, policyCount: number, remoteCount: number): CalcGraph {
  const graph = new CalcGraph({ node: 'h1' });
  const before = heapMb();
  let updates = 0;
  const us =
    load(graph, 20, (i) => profile(`openstack-sg-${i}`, { labelsToApply: { [`sg-${i}`]: '' }, ingress: [rule()] })) +
    load(graph, policyCount, policyOf) +
    load(graph, 50, (i) => networkSet(`set-${i}`, [`192.0.2.${i}/32`], { labels: { tier: `t${i % 5}` } })) +
    load(graph, localCount, (i) => endpoint(i, 'h1')) +
    load(graph, remoteCount, (i) => endpoint(i, 'h2'));
  graph.onStatus('in-sync');
  const flushUs = cpuMicros(() => graph.flush(() => updates++));
  report(`cold ${localCount}x${policyCount}x${remoteCount}`, {
    ms: (us + flushUs) / 1000,
    flush_ms: flushUs / 1000,
    updates,
    mb: heapMb() - before,
  });
  return graph;
}

/** Only the remote endpoints: what one more host's worth costs a graph in which policies are active. */
function remoteLoad(count: number): void {
  const graph = new CalcGraph({ node: 'h1' });
  load(graph, 1000, policyOf);
  load(graph, 100, (i) => endpoint(i, 'h1'));
  graph.flush(() => {});
  const before = heapMb();
  const us = load(graph, count, (i) => endpoint(i, 'h2')) + cpuMicros(() => graph.flush(() => {}));
  report(`remote endpoints x${count}`, { us: us / count, mb: heapMb() - before });
}

function changes(graph: CalcGraph, name: string): void {
  const rounds = 500;
  const each = (what: string, value: (i: number) => Values[Kind]) => {
    const updates = Array.from({ length: rounds }, (_, i) => put(value(i)));
    const us = cpuMicros(() => {
      for (const update of updates) {
        graph.onUpdates([update]);
        graph.flush(() => {});
      }
    });
    report(`${what}, ${name}`, { us: us / rounds });
  };
  const relabelled = (i: number, node: string) => {
    const value = endpoint(i % 100, node);
    return { ...value, labels: { ...value.labels, app: `app${(i * 7) % 100}` } };
  };
  each('label of a remote endpoint', (i) => relabelled(i, 'h2'));
  each('label of a local endpoint', (i) => relabelled(i, 'h1'));
  each('rule of a policy', (i) => ({
    ...policyOf(i),
    egress: [rule({ destination: { selector: `app == 'app${i % 50}'` } })],
  }));
  each('new remote endpoint', (i) => endpoint(200_000 + i, 'h2'));
  each('new local endpoint', (i) => endpoint(1000 + i, 'h1'));
}

if (locals && policies && remotes) cold(locals, policies, remotes);
else {
  changes(cold(100, 1000, 10_000), '1000 policies');
  changes(cold(100, 10_000, 10_000), '10000 policies');
  remoteLoad(50_000);
}
