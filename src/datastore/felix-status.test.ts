import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FelixStatusKeys } from './felix-status.ts';

test("endpoints' keys are upstream's: the recorded workloads of OpenStack, and others", () => {
  const recorded = JSON.parse(readFileSync('test/vectors/felix/openstack/recorded/status.json', 'utf8'));
  const keys = new FelixStatusKeys('', 'h1');
  const id = (name: string, namespace = 'default') => ({ kind: 'WorkloadEndpoint' as const, namespace, name });
  const key = keys.endpoint(id('h1-openstack-instance--vm1-port--vm1'));
  expect(Object.keys(recorded.base)).toContain(key);
  expect(keys.endpoint(id('h1-k8s-p.1-eth0', 'prod'))).toBe(
    '/calico/felix/v2/no-region/host/h1/workload/k8s/prod%2fp.1/endpoint/eth0',
  );
  expect(keys.endpoint(id('h1-cni-abc-eth0'))).toBe(
    '/calico/felix/v2/no-region/host/h1/workload/cni/default%2fabc/endpoint/eth0',
  );
  expect(keys.endpoint(id('h1-k8s'))).toBeNull();
});

test('a host endpoint has no region', () => {
  const keys = new FelixStatusKeys('one', 'h1');
  expect(keys.endpoint({ kind: 'HostEndpoint', name: 'eth0%' })).toBe('/calico/felix/v1/host/h1/endpoint/eth0%25');
  expect(keys.status).toBe('/calico/felix/v2/region-one/host/h1/status');
});
