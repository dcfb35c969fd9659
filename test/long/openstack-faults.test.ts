/** A cloud of some size, as ML2 in a region, while what carries it fails: afterwards etcd has what Neutron has. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Controller } from '../system/openstack-controller.ts';
import { enterOwnNamespace } from '../system/own-namespace.ts';

enterOwnNamespace();
const controller = new Controller({ corePlugin: 'ml2', region: 'east' });
const api = controller.api.bind(controller);
const NAMESPACE = 'openstack-region-east';
const ENDPOINTS = `/calico/resources/v3/projectcalico.org/workloadendpoints/${NAMESPACE}/`;
const POLICIES = `/calico/resources/v3/projectcalico.org/networkpolicies/${NAMESPACE}/ossg.default.`;
const PORTS = Number(process.env.OPENSTACK_PORTS ?? 1000);
const GROUPS = 50;
const PATIENCE = { timeout: 120_000, interval: 500 };

interface Resync {
  readonly complete: boolean;
  readonly differing: number;
  readonly written: number;
  readonly deleted: number;
  readonly neutronSeconds: number;
  readonly seconds: number;
}

let network: string;
const groups: string[] = [];
const resync = () => controller.service<Resync>('POST', '/v1/resync');
const keys = async (prefix: string) => Object.keys(await controller.dump()).filter((key) => key.startsWith(prefix));
const outbox = () => Number(controller.sql('select count(*) from neutron.calico_outbox'));
const portOf = (n: number) => ({
  network_id: network,
  device_owner: 'compute:nova',
  device_id: `vm-${n}`,
  'binding:host_id': `compute${n % 2}`,
  security_groups: [groups[n % groups.length]],
});

function report(what: string, { seconds, neutronSeconds, written, deleted }: Resync): void {
  console.info(JSON.stringify({ what, seconds, own: seconds - neutronSeconds, written, deleted }));
}

beforeAll(() => controller.start());
afterAll(() => controller.stop());

test('a cloud is made', async () => {
  controller.reportHosts('compute0', 'compute1');
  await expect.poll(async () => (await api<unknown[]>('GET', 'agents')).length, PATIENCE).toBe(2);
  network = (await api('POST', 'networks', { network: { name: 'n' } })).id;
  await api('POST', 'subnets', { subnet: { network_id: network, ip_version: 4, cidr: '10.65.0.0/16' } });
  for (let n = 0; n < GROUPS; n++)
    groups.push((await api('POST', 'security-groups', { security_group: { name: `g${n}` } })).id);
  const numbers = Array.from({ length: PORTS }, (_, n) => n);
  for (let from = 0; from < PORTS; from += 50)
    await api('POST', 'ports', { ports: numbers.slice(from, from + 50).map(portOf) });
  await expect.poll(async () => (await keys(ENDPOINTS)).length, PATIENCE).toBe(PORTS);
  await expect.poll(outbox, PATIENCE).toBe(0);
});

test('a resync of what is equal writes nothing; one difference is one write; an empty etcd is filled', async () => {
  const equal = resync();
  report('equal', equal);
  expect(equal).toMatchObject({ complete: true, differing: 0, written: 0, deleted: 0 });
  const [endpoint] = await keys(ENDPOINTS);
  controller.etcd.ctl('put', endpoint as string, '{}');
  expect(resync()).toMatchObject({ complete: true, differing: 1, written: 1, deleted: 0 });
  const before = await keys('/calico/resources/');
  controller.etcd.ctl('del', '--prefix', ENDPOINTS);
  controller.etcd.ctl('del', '--prefix', POLICIES);
  report('from empty', resync());
  expect(await keys('/calico/resources/')).toEqual(before);
});

test("the other region's keys, and those of a cloud without regions, are left alone", async () => {
  const foreign = [ENDPOINTS, POLICIES].flatMap((prefix) =>
    ['openstack', 'openstack-region-west'].map((name) => `${prefix.replace(NAMESPACE, name)}x`),
  );
  for (const key of foreign) controller.etcd.ctl('put', key, '{}');
  expect(resync()).toMatchObject({ complete: true, differing: 0 });
  expect(await keys('/calico/')).toEqual(expect.arrayContaining(foreign));
  expect(await keys('/calico/openstack/v1/')).toEqual([]);
});

test('etcd is away during 100 calls', async () => {
  await controller.etcd.stop();
  const made: string[] = [];
  for (let n = 0; n < 50; n++) {
    made.push((await api('POST', 'security-groups', { security_group: { name: `late${n}` } })).id);
    await api('PUT', `security-groups/${groups[n]}`, { security_group: { name: `renamed${n}` } });
  }
  await controller.etcd.start();
  await expect.poll(outbox, PATIENCE).toBe(0);
  const policies = await keys(POLICIES);
  expect(policies).toEqual(expect.arrayContaining(made.map((id) => POLICIES + id)));
  expect(resync()).toMatchObject({ complete: true, differing: 0 });
});

test('the service is killed in the middle of changes', async () => {
  const changes = (async () => {
    for (let n = 0; n < 40; n++)
      await api('PUT', `security-groups/${groups[n]}`, { security_group: { name: `again${n}` } });
  })();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await controller.kill('service');
  await changes;
  controller.startService();
  await expect.poll(outbox, PATIENCE).toBe(0);
  expect(resync()).toMatchObject({ complete: true, differing: 0 });
});

test('of two services the other is elected when one is killed, and neither undoes what the other writes', async () => {
  controller.startOtherService();
  const [election] = await keys('/calico/openstack/v2/region-east/neutron_election');
  const elected = async () => (await controller.dump())[election as string] as string | undefined;
  const first = await elected();
  await controller.kill('service');
  const isOther = async () => ![undefined, first].includes(await elected());
  await expect.poll(isOther, PATIENCE).toBe(true);
  controller.startService();
  await api('PUT', `security-groups/${groups[0]}`, { security_group: { name: 'last' } });
  await expect.poll(outbox, PATIENCE).toBe(0);
  expect(resync()).toMatchObject({ complete: true, differing: 0 });
});
