/** Changes of Neutron's objects, in whatever order, over a store in memory. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryStore } from '../../datastore/index.ts';
import { Region } from '../region.ts';
import { Changes, changeOf } from './changes.ts';
import { ensureDeployment } from './deployment.ts';
import { Election } from './election.ts';
import { endpointPrefix } from './endpoint.ts';
import { Feedback } from './feedback.ts';
import { KnownEndpoints } from './known-endpoints.ts';
import type { Port, PortFacts } from './neutron.ts';
import { Writer } from './writer.ts';

const REGION = new Region('');
const port: Port = JSON.parse(readFileSync('test/vectors/neutron/port2.resp', 'utf8')).port;

function factsOf(fields: Partial<Port>): PortFacts {
  return { port: { ...port, ...fields }, subnets: [], security_groups: [], floatingips: [] };
}

let store: MemoryStore;
let changes: Changes;
const take = (fields: Partial<Port> | null) =>
  changes.take({ kind: 'port', id: port.id, facts: fields && factsOf(fields) });
const endpoints = async () => (await store.list(endpointPrefix(REGION))).items;
const hosts = async () => (await endpoints()).map(({ value }) => JSON.parse(value).spec.node);

beforeEach(async () => {
  store = new MemoryStore();
  const known = new KnownEndpoints(store, endpointPrefix(REGION), () => {});
  await known.start();
  changes = new Changes({
    region: REGION,
    writer: new Writer(store),
    endpoints: known,
    projectOf: async (id) => ({ id }),
    interfaceLength: 14,
    onProblems: () => {},
  });
});

describe('a port', () => {
  test('a late state does not undo a newer one, nor a deletion', async () => {
    await take({ revision_number: 5, 'binding:host_id': 'new' });
    expect(await take({ revision_number: 4, 'binding:host_id': 'old' })).toMatchObject({ late: true });
    expect(await hosts()).toEqual(['new']);
    expect(await take(null)).toMatchObject({ deleted: 1 });
    expect(await take({ revision_number: 9 })).toMatchObject({ late: true });
    expect(await hosts()).toEqual([]);
  });

  test('what is equal is not written again, and keeps its uid when it changes', async () => {
    await take({});
    const [first] = await endpoints();
    expect(await take({})).toMatchObject({ written: 0, late: false });
    expect((await endpoints())[0]?.revision).toBe(first?.revision);
    await take({ mac_address: 'fa:16:3e:00:00:01' });
    const uid = (text: string | undefined) => JSON.parse(text ?? '{}').metadata.uid;
    expect(uid((await endpoints())[0]?.value)).toBe(uid(first?.value));
  });

  test.each([{ 'binding:host_id': 'elsewhere' }, { device_id: 'another' }])(
    '%j leaves no key behind',
    async (fields) => {
      await take({});
      expect(await take({ ...fields, revision_number: 7 })).toMatchObject({ written: 1, deleted: 1 });
      expect(await endpoints()).toHaveLength(1);
    },
  );

  test("that is no instance's any more has no endpoint", async () => {
    await take({});
    await take({ device_owner: 'network:dhcp', revision_number: 7 });
    expect(await endpoints()).toEqual([]);
  });

  test('changes that come at once are taken one after the other', async () => {
    const revisions = [3, 1, 5, 2, 4];
    await Promise.all(
      revisions.map((revision_number) => take({ revision_number, 'binding:host_id': `h${revision_number}` })),
    );
    expect(await hosts()).toEqual(['h5']);
  });

  test('text that is no JSON is replaced', async () => {
    await take({});
    const [item] = await endpoints();
    await store.put(item?.key ?? '', '{');
    await take({});
    expect(await hosts()).toEqual(['compute2']);
  });
});

test("a policy keeps others' labels, and goes with its group", async () => {
  const group = { id: 'g', name: 'web', security_group_rules: [] };
  const say = (facts: object | null) => changes.take(changeOf({ kind: 'security_group', id: 'g', facts }));
  await say({ security_group: group, address_groups: [] });
  const prefix = '/calico/resources/v3/projectcalico.org/networkpolicies/openstack/';
  const [item] = (await store.list(prefix)).items;
  const stored = JSON.parse(item?.value ?? '');
  stored.metadata.labels = { a: 'b' };
  stored.spec.order = 7;
  await store.put(item?.key ?? '', JSON.stringify(stored));
  await say({ security_group: group, address_groups: [] });
  const mended = JSON.parse((await store.get(item?.key ?? ''))?.value ?? '');
  expect(mended.metadata).toEqual(stored.metadata);
  expect(mended.spec).toEqual({ ingress: [], egress: [], selector: 'has(sg.projectcalico.org/openstack-g)' });
  await say(null);
  expect((await store.list(prefix)).items).toEqual([]);
});

test.each([
  null,
  {},
  { kind: 'port', id: 'a' },
  { kind: 'x', id: 'a', facts: {} },
  { kind: 'port', id: 'a', facts: { port: { id: 'b' } } },
])('no change: %j', (message) => {
  expect(() => changeOf(message)).toThrow();
});

test('of two that stand for election one is elected, and the other when it leaves', async () => {
  const told: string[] = [];
  const stand = (name: string) =>
    new Election({
      store,
      keys: REGION.elections,
      name,
      onElected: (elected) => told.push(`${name} ${elected}`),
      onError: () => {},
    });
  const [a, b] = [stand('a'), stand('b')];
  a.start();
  await expect.poll(() => told).toEqual(['a true']);
  b.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([a.elected, b.elected]).toEqual([true, false]);
  expect((await store.get('/calico/openstack/v1/neutron_election'))?.value).toBe('a');
  await a.stop();
  await expect.poll(() => told, { timeout: 10_000 }).toEqual(['a true', 'a false', 'b true']);
  await store.put(REGION.elections[0] as string, 'c');
  await b.stop();
  expect((await store.get(REGION.elections[0] as string))?.value).toBe('c');
});

test('reports are told once, and anew to whoever has not seen them', async () => {
  const feedback = new Feedback(store, REGION.felixes, () => {});
  await store.put(`${REGION.felixes}h/status`, '{"time":"2026-01-01T00:00:00Z","uptime":1,"first_update":true}');
  await store.put(`${REGION.felixes}h/workload/openstack/openstack%2fw/endpoint/p`, '{"status":"up"}');
  feedback.start();
  await expect.poll(async () => (await feedback.since('', 0, 0)).last).toBe(2);
  const { epoch, last, agents, ports } = await feedback.since('', 0, 0);
  expect(agents).toMatchObject([{ host: 'h', first_update: true }]);
  expect(ports).toEqual([{ port: 'p', host: 'h', status: 'ACTIVE' }]);
  const next = feedback.since(epoch, last, 5000);
  await store.delete(`${REGION.felixes}h/workload/openstack/openstack%2fw/endpoint/p`);
  expect(await next).toMatchObject({ agents: [], ports: [{ port: 'p', status: 'ERROR' }] });
  feedback.stop();
});

test('a deployment is made once; what else is set stays', async () => {
  const key = '/calico/resources/v3/projectcalico.org/felixconfigurations/default';
  await store.put(key, JSON.stringify({ kind: 'FelixConfiguration', metadata: {}, spec: { interfacePrefix: 'cali' } }));
  await ensureDeployment(store);
  expect(JSON.parse((await store.get(key))?.value ?? '').spec).toEqual({
    interfacePrefix: 'cali,tap',
    endpointReportingEnabled: true,
  });
  const { revision } = await store.list('/');
  await ensureDeployment(store);
  expect((await store.list('/')).revision).toBe(revision);
});
