/**
 * The syncer: what decoding costs, and a first list of 50,000 endpoints from a store in memory. Prints JSON lines.
 *
 *     node --expose-gc bench/syncer.ts [ENDPOINTS]
 *
 * `us` is CPU time in microseconds (of one resource), `mb` the growth of the heap after a collection: what the syncer
 * keeps, with no sink that keeps anything, and what it takes beside the store's own contents.
 */

import { decodeRange } from '../src/datastore/etcd/messages.ts';
import { encode } from '../src/datastore/etcd/wire.ts';
import { decode, MemoryStore, resourceKey, Syncer } from '../src/datastore/index.ts';

const endpoints = Number(process.argv[2] ?? 50_000);

function report(name: string, figures: Record<string, number>): void {
  const rounded = Object.entries(figures).map(([k, v]) => [k, Math.round(v * 100) / 100]);
  console.log(JSON.stringify({ bench: `syncer/${name}`, ...Object.fromEntries(rounded) }));
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}

function endpoint(i: number): { key: string; value: string } {
  const node = `compute-${i % 500}`;
  const name = `compute--${i % 500}-openstack-vm--${i}-port--${i}`;
  const value = {
    kind: 'WorkloadEndpoint',
    apiVersion: 'projectcalico.org/v3',
    metadata: {
      name,
      namespace: 'openstack',
      uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      creationTimestamp: '2026-01-02T03:04:05Z',
      labels: {
        'projectcalico.org/namespace': 'openstack',
        'projectcalico.org/orchestrator': 'openstack',
        'projectcalico.org/openstack-project-id': `project-${i % 100}`,
        'sg.projectcalico.org/openstack-sg-1': '',
      },
    },
    spec: {
      orchestrator: 'openstack',
      workload: `vm-${i}`,
      node,
      endpoint: `port-${i}`,
      ipNetworks: [`10.${65 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}/32`, `fd00::${i.toString(16)}/128`],
      ipv4Gateway: '10.65.0.1',
      ipv6Gateway: 'fd00::1',
      interfaceName: `tap${i.toString(16).padStart(11, '0')}`,
      mac: 'fa:16:3e:00:00:01',
    },
  };
  return { key: resourceKey('workloadendpoints', name, 'openstack'), value: JSON.stringify(value) };
}

function policy(i: number): { key: string; value: string } {
  const name = `default.policy-${i}`;
  const rule = {
    action: 'Allow',
    protocol: 'TCP',
    source: { selector: `app == 'a${i}'` },
    destination: { ports: [80, '8000:8080'] },
  };
  const spec = { order: i, selector: `role == 'r${i % 100}'`, ingress: [rule, rule, rule], types: ['Ingress'] };
  return { key: resourceKey('networkpolicies', name, 'prod'), value: JSON.stringify({ metadata: { name }, spec }) };
}

function decoding(name: string, make: (i: number) => { key: string; value: string }, count: number): void {
  const items = Array.from({ length: count }, (_, i) => make(i));
  const before = cpuMicros();
  for (const { key, value } of items) if (!decode(key, value)?.value) throw new Error(`not decoded: ${value}`);
  report(`decode ${name}`, { n: count, us: (cpuMicros() - before) / count });
}

function wire(count: number): void {
  const kvs = Array.from({ length: count }, (_, i) => {
    const { key, value } = endpoint(i);
    return [
      2,
      encode([
        [1, key],
        [2, i + 2],
        [3, i + 2],
        [4, 1],
        [5, value],
      ]),
    ] as const;
  });
  const message = encode(kvs);
  const before = cpuMicros();
  if (decodeRange(message).items.length !== count) throw new Error('items are missing');
  report('decode an etcd answer', { n: count, us: (cpuMicros() - before) / count });
}

async function firstList(count: number): Promise<void> {
  const store = new MemoryStore();
  for (let i = 0; i < count; i++) await store.put(endpoint(i).key, endpoint(i).value);
  store.compact();
  const heap = heapMb();
  const before = cpuMicros();
  let slowest = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    slowest = Math.max(slowest, performance.now() - last);
    last = performance.now();
  }, 1);
  const syncer = await new Promise<Syncer>((resolve) => {
    const onStatus = (status: string) => {
      if (status === 'in-sync') resolve(following);
    };
    const following = new Syncer(store, { onUpdates() {}, onStatus });
    following.start();
  });
  clearInterval(ticks);
  const us = (cpuMicros() - before) / count;
  report('first list', { n: count, us, mb: heapMb() - heap, longest_block_ms: slowest });
  syncer.stop();
  await store.close();
}

decoding('WorkloadEndpoint, cold', endpoint, 1_000);
decoding('WorkloadEndpoint', endpoint, 20_000);
decoding('NetworkPolicy', policy, 5_000);
wire(20_000);
await firstList(endpoints);
