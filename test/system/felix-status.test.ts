/**
 * What Felix reports of its host and endpoints, as it stands in etcd: the same as in upstream's recording of OpenStack;
 * true when interfaces, endpoints and policies change; never gone for a moment while the endpoint is there; written
 * once.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readScenario, type ScenarioFile } from '../scenario/files.ts';
import { Programs, until } from '../scenario/programs.ts';
import { Topology } from '../scenario/topology.ts';
import { type Change, EtcdHistory } from './etcd-history.ts';

const DIR = 'test/vectors/felix/openstack';
const TTL = 3;
const recorded = readScenario(DIR);
const scenario: ScenarioFile = {
  ...recorded,
  felix: { ...recorded.felix, ReportingTTLSecs: `${TTL}` },
  // At once: so that nothing that is written too early comes to light too late to be seen.
  hosts: { ...recorded.hosts, h1: { felix: { EndpointReportingDelaySecs: '0' } } },
};
const statuses: Record<string, Record<string, unknown>> = JSON.parse(
  readFileSync(join(DIR, 'recorded/status.json'), 'utf8'),
);

const topology = new Topology(scenario, `e${process.pid % 100000}-`);
const programs = new Programs(scenario, topology);
const history = new EtcdHistory(topology.namespace('net'));
const INTERFACE = 'tapaaaa1111-01';
const PREFIX = '/calico/felix/';
const HOST = `${PREFIX}v2/no-region/host/h1/`;
const keyOf = (vm: string) => `${HOST}workload/openstack/default%2finstance-${vm}/endpoint/port-${vm}`;

/** What is reported, times as in the recording. */
function reported(): Record<string, unknown> {
  const found = programs.dump().filter(({ key }) => key.startsWith(PREFIX));
  return Object.fromEntries(found.map(({ key, value }) => [key, timeless(JSON.parse(value))]));
}

function timeless(report: object): object {
  return 'uptime' in report ? { ...report, time: '*', uptime: '*' } : report;
}

const ofEndpoints = (reports: object) => Object.fromEntries(Object.entries(reports).filter(([key]) => isEndpoint(key)));
const isEndpoint = (key: string) => key.includes('/endpoint/');
const becomes = (seconds: number, get: () => unknown, what: unknown) =>
  expect.poll(get, { timeout: seconds * 1000, interval: 200 }).toEqual(what);
const VM1 = {
  kind: 'WorkloadEndpoint',
  metadata: { name: 'h1-openstack-instance--vm1-port--vm1', namespace: 'default' },
};
const statusOf = (vm: string) => reported()[keyOf(vm)];
const sleep = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));

function calicoctl(verb: 'apply' | 'delete', resource: object): void {
  const file = join(topology.work, 'resource.yaml');
  writeFileSync(file, JSON.stringify({ apiVersion: 'projectcalico.org/v3', ...resource }));
  programs.calicoctl(verb, file);
}

/** What was written and deleted meanwhile. */
async function changesDuring(what: () => Promise<unknown>): Promise<Change[]> {
  const since = history.revision;
  await what();
  return history.since(since, PREFIX);
}

const felixLog = () => readFileSync(join(topology.work, 'felix-h1.log'), 'utf8').split('\n');

/** Of h1's Felix. */
function metric(name: string): number {
  const lines = topology.shell('h1', 'curl -s http://127.0.0.1:9091/metrics').split('\n');
  return Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
}
const startTime = (): number => metric('process_start_time_seconds');

beforeAll(async () => {
  topology.up();
  await programs.startEtcd();
  programs.declareReady();
  programs.calicoctl('apply', join(DIR, 'input.yaml'));
  for (const host of topology.hosts()) programs.startFelix(host);
  await until('every Felix ready', 60, () => programs.allReady());
});

afterAll(async () => {
  await programs.stop();
  topology.down();
});

describe('what is reported', () => {
  it('are the keys and values of the recording, at every step', async () => {
    await becomes(20, () => ofEndpoints(reported()), statuses.base);
    programs.calicoctl('apply', join(DIR, 'step-1.yaml'));
    await becomes(20, reported, statuses['floating-ips-changed']);
  });

  it('follows the interface', async () => {
    for (const [command, status] of [
      ['down', 'down'],
      ['up', 'up'],
    ]) {
      topology.ip('h1', `link set ${INTERFACE} ${command}`);
      await becomes(10, () => statusOf('vm1'), { status });
      expect(metric('calico_felix_endpoints{state="down"}')).toBe(status === 'down' ? 1 : 0);
    }
    topology.unplug('vm1');
    await becomes(10, () => statusOf('vm1'), { status: 'down' });
    topology.plug('vm1');
    await becomes(10, () => statusOf('vm1'), { status: 'up' });
  });

  it('goes with the endpoint, and comes with it', async () => {
    calicoctl('delete', VM1);
    await becomes(10, () => statusOf('vm1'), undefined);
    programs.calicoctl('apply', join(DIR, 'step-1.yaml'));
    await becomes(10, () => statusOf('vm1'), { status: 'up' });
  });

  it('is of host endpoints, too', async () => {
    const key = `${PREFIX}v1/host/h1/endpoint/eth0`;
    const eth0 = { kind: 'HostEndpoint', metadata: { name: 'eth0' }, spec: { node: 'h1', interfaceName: 'eth9' } };
    calicoctl('apply', eth0);
    await becomes(10, () => reported()[key], { status: 'down' });
    topology.ip('h1', 'link add eth9 type veth peer name eth10', 'link set eth9 up', 'link set eth10 up');
    await becomes(10, () => reported()[key], { status: 'up' });
    // It has no policy: nothing passes but what failsafe ports let through.
    const warnings = () => felixLog().filter((line) => line.includes('policy denies ICMPv6'));
    expect(warnings()).toEqual([]);
    topology.ip('h1', 'addr add fd00:99::1/64 dev eth9 nodad');
    await becomes(10, () => warnings().length, 1);
    calicoctl('delete', eth0);
    await becomes(10, () => reported()[key], undefined);
    expect(warnings()).toHaveLength(1);
  });
});

describe('what is written', () => {
  it('is the host alone while nothing happens, one transaction a report', async () => {
    const changes = await changesDuring(() => sleep(5));
    const hosts = ['h1', 'h2'].flatMap((host) =>
      ['last_reported_status', 'status'].map((name) => `${PREFIX}v2/no-region/host/${host}/${name}`),
    );
    expect([...new Set(changes.map(({ key }) => key))].sort()).toEqual(hosts);
    expect(changes.every(({ value }) => value !== null)).toBe(true);
    expect(new Set(changes.map(({ revision }) => revision)).size).toBe(changes.length / 2);
  });

  it('is no endpoint when Felix is killed, and when it is told to end, and started again', async () => {
    const before = startTime();
    const changes = await changesDuring(async () => {
      for (let i = 0; i < 2; i++) {
        programs.killFelix('h1');
        await sleep(1);
        await until('Felix ready', 30, () => programs.allReady());
        await sleep(1);
      }
      await programs.stopFelix('h1');
      programs.startFelix('h1');
      await until('Felix ready', 30, () => programs.allReady());
      await sleep(1);
    });
    expect(startTime()).toBeGreaterThan(before);
    // The other host has gone on.
    expect(changes.filter(({ key }) => key.includes('/h2/')).length).toBeGreaterThan(10);
    expect(changes.filter(({ key }) => isEndpoint(key))).toEqual([]);
  });

  it('is only what is stale, and what changed while there was no Felix', async () => {
    await programs.stopFelix('h1');
    calicoctl('delete', VM1);
    topology.ip('h1', 'link set tapaaaa1111-02 down');
    const changes = await changesDuring(async () => {
      programs.startFelix('h1');
      await becomes(30, () => [statusOf('vm1'), statusOf('vm2')], [undefined, { status: 'down' }]);
    });
    const ofThese = changes.filter(({ key }) => isEndpoint(key)).map(({ key, value }) => [key, value]);
    expect(Object.fromEntries(ofThese)).toEqual({ [keyOf('vm1')]: null, [keyOf('vm2')]: '{"status":"down"}' });
    expect(ofThese).toHaveLength(2);
  });

  it('is the latest when etcd has been away', async () => {
    const changes = await changesDuring(async () => {
      await programs.stopEtcd();
      topology.ip('h1', 'link set tapaaaa1111-02 up');
      await sleep(3);
      topology.ip('h1', 'link set tapaaaa1111-02 down');
      await sleep(1);
      topology.ip('h1', 'link set tapaaaa1111-02 up');
      await sleep(1);
      await programs.startEtcd();
      await becomes(40, () => statusOf('vm2'), { status: 'up' });
      await sleep(3);
    });
    const ofEndpoints = changes.filter(({ key }) => isEndpoint(key)).map(({ key, value }) => [key, value]);
    expect(ofEndpoints).toEqual([[keyOf('vm2'), '{"status":"up"}']]);
  });
});

it("the host's status goes when Felix has been gone for its time; the last report, and endpoints, stay", async () => {
  await becomes(30, () => `${HOST}status` in reported(), true);
  const { [`${HOST}status`]: _, ...others } = reported();
  await programs.stopFelix('h1');
  await becomes(TTL + 10, () => Object.keys(reported()).includes(`${HOST}status`), false);
  expect(Object.keys(reported())).toEqual(Object.keys(others));
});
