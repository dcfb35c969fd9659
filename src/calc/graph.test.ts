import { describe, expect, test } from 'vitest';
import { type BGPConfiguration, type FelixConfiguration, idKey } from '../model/index.ts';
import { cidr } from '../net/index.ts';
import { Host } from './testing/host.ts';
import { broken, gone, node, policy, pool, profile, put, rule, workload } from './testing/resources.ts';

const w1 = workload('w1', { ips: ['10.0.0.1'], profiles: ['open'] });
const felix = (name: string, parameters: Record<string, string>): FelixConfiguration => ({
  id: { kind: 'FelixConfiguration', name },
  parameters,
});

describe('flush', () => {
  test('sets, then policies and profiles, then endpoints; in-sync last, once', () => {
    const host = new Host();
    host.graph.onStatus('wait');
    const p = policy('p', { ingress: [rule({ source: { selector: 'all()' } })] });
    expect(host.put(w1, p).map((u) => u.type)).toEqual(['set', 'policy', 'profile', 'workload']);
    expect(host.inSync().map((u) => u.type)).toEqual(['config', 'in-sync']);
    host.graph.onStatus('wait');
    expect(host.inSync()).toEqual([]);
    expect(host.delete(w1, p).map((u) => u.type)).toEqual(['workload-gone', 'profile-gone', 'policy-gone', 'set-gone']);
  });

  test('a new listener is told everything, as the first was: in-sync last', () => {
    const host = new Host();
    const p = policy('p', { ingress: [rule({ source: { selector: 'all()' } })] });
    host.put(w1, p);
    expect(host.startAnew().map((u) => u.type)).toEqual(['set', 'policy', 'profile', 'workload']);
    host.inSync();
    host.graph.onUpdates([gone(p)]);
    const told = host.startAnew().map((u) => u.type);
    // Who is told may know the policy: that it is gone means nothing to who does not.
    expect(told).toEqual(['config', 'profile', 'workload', 'policy-gone', 'set-gone', 'in-sync']);
    expect(host.update()).toEqual([]);
  });

  test('nothing new, nothing told', () => {
    const host = new Host();
    host.put(w1, policy('p'));
    expect(host.update()).toEqual([]);
  });
});

describe('configuration', () => {
  test('of every node and of this one, with the guid of the cluster; not before in sync', () => {
    const host = new Host();
    expect(
      host.put(
        felix('default', { LogSeverityScreen: 'Info' }),
        felix('node.h1', { LogSeverityScreen: 'Debug' }),
        felix('node.h2', { LogSeverityScreen: 'Error' }),
        { id: { kind: 'ClusterInformation', name: 'default' }, clusterGuid: 'abc', datastoreReady: true },
      ),
    ).toEqual([]);
    expect(host.inSync()[0]).toEqual({
      type: 'config',
      global: { LogSeverityScreen: 'Info', ClusterGUID: 'abc' },
      node: { LogSeverityScreen: 'Debug' },
    });
  });

  test('told again only when it differs', () => {
    const host = new Host();
    host.put(felix('default', { A: '1', B: '2' }));
    host.inSync();
    expect(host.put(felix('default', { B: '2', A: '1' }))).toEqual([]);
    expect(host.put(felix('node.h2', { A: '3' }))).toEqual([]);
    expect(host.delete(felix('default', {}))).toEqual([{ type: 'config', global: {}, node: {} }]);
  });
});

test('pools and nodes are told as they are', () => {
  const host = new Host();
  const h2 = node('h2', '172.16.0.2');
  const p = pool('10.0.0.0/16');
  expect(host.put(p, h2)).toEqual([
    { type: 'pool', pool: p },
    { type: 'node', node: h2, local: false },
  ]);
  expect(host.put({ ...p, natOutgoing: true })).toMatchObject([{ type: 'pool', pool: { natOutgoing: true } }]);
  expect(host.update(gone(p), put(p))).toEqual([{ type: 'pool', pool: p }]);
  expect(host.delete(p, h2)).toEqual([
    { type: 'pool-gone', id: p.id },
    { type: 'node-gone', id: h2.id, local: false },
  ]);
});

test('prefixes of services are those of the default BGPConfiguration, told when they differ', () => {
  const bgp = (name: string, clusterIps: readonly string[], externalIps: readonly string[]): BGPConfiguration => ({
    id: { kind: 'BGPConfiguration', name },
    serviceClusterIps: clusterIps.map(cidr),
    serviceExternalIps: externalIps.map(cidr),
    serviceLoadBalancerIps: [],
  });
  const host = new Host();
  expect(host.put(bgp('node.h1', ['10.7.0.0/16'], []))).toEqual([]);
  expect(host.put(bgp('default', ['10.96.0.0/12'], ['192.0.2.0/24']))).toEqual([
    { type: 'service-prefixes', prefixes: ['10.96.0.0/12', '192.0.2.0/24'] },
  ]);
  expect(host.put(bgp('default', ['192.0.2.0/24', '10.96.0.0/12'], []))).toEqual([]);
  expect(host.startAnew()).toEqual([{ type: 'service-prefixes', prefixes: ['10.96.0.0/12', '192.0.2.0/24'] }]);
  expect(host.delete(bgp('default', [], []))).toEqual([{ type: 'service-prefixes', prefixes: [] }]);
});

describe('invalid resources', () => {
  const p = policy('p', { ingress: [rule()] });
  const closed = policy('p');
  const rules = (host: Host) => host.state.policies.get(idKey(p.id))?.ingress.length;

  test('the last good value holds', () => {
    const host = new Host();
    host.put(w1, p);
    expect(host.update(broken(p.id, closed))).toEqual([]);
    expect(rules(host)).toBe(1);
    expect([...host.graph.invalid.values()]).toEqual([{ id: p.id, code: 'E_INVALID', reason: 'broken' }]);
  });

  test('without a good value the stand-in closes what it selects', () => {
    const host = new Host();
    host.update(put(w1), broken(p.id, closed));
    expect(rules(host)).toBe(0);
    expect(host.policies(w1)).toBe('ingress: p, egress: p');
    host.update(broken(p.id, null));
    expect(rules(host)).toBe(undefined);
  });

  test('a good value ends it, and so does a deletion', () => {
    const host = new Host();
    host.update(put(w1), broken(p.id, closed));
    host.put(p);
    expect(rules(host)).toBe(1);
    expect(host.graph.invalid.size).toBe(0);
    host.update(broken(p.id, closed));
    host.delete(p);
    expect(rules(host)).toBe(undefined);
    expect(host.graph.invalid.size).toBe(0);
    host.update(broken(p.id, closed));
    expect(rules(host)).toBe(0);
  });

  test('a selector that slipped through does not stop the rest: the policy closes, and is reported', () => {
    const host = new Host();
    host.put(w1, policy('bad', { ingress: [rule({ source: { selector: 'a ==' } }), rule()] }), profile('open'), p);
    expect(host.state.policies.get(idKey(policy('bad').id))?.ingress).toMatchObject([
      { action: 'deny', source: { nets: [], sets: [] } },
    ]);
    expect(host.policies(w1)).toBe('ingress: bad p, egress: bad p');
    expect([...host.graph.invalid.values()]).toMatchObject([{ id: policy('bad').id, code: 'E_SELECTOR' }]);
    host.put(policy('bad', { selector: '(((' }));
    expect(host.policies(w1)).toBe('ingress: p, egress: p');
    expect([...host.graph.invalid.values()]).toMatchObject([{ id: policy('bad').id, code: 'E_SELECTOR' }]);
    host.put(policy('bad', { selector: 'all()' }));
    expect(host.policies(w1)).toBe('ingress: bad p, egress: bad p');
    expect(host.graph.invalid.size).toBe(0);
  });
});

test('sizes: what the cluster has, and what of it this host needs', () => {
  const host = new Host();
  const web = rule({ source: { selector: "app == 'web'" } });
  host.put(
    w1,
    workload('w2', { node: 'h2' }),
    policy('p', { ingress: [web, web] }),
    policy('q', { selector: 'has(x)' }),
  );
  const { sizes } = host.graph;
  expect([sizes.resources('WorkloadEndpoint'), sizes.resources('GlobalNetworkPolicy')]).toEqual([2, 2]);
  expect(sizes.active).toEqual({ workloads: 1, hostEndpoints: 0, policies: 1, profiles: 1, sets: 1 });
  expect(sizes.parsedSelectors).toBe(3);
});
