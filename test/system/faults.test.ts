/** What holds while things break: packets of an allowed pair all pass, of a denied pair none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/net/index.ts';
import type { ScenarioFile } from '../scenario/files.ts';
import { Programs, until } from '../scenario/programs.ts';
import { Stream } from '../scenario/stream.ts';
import { Topology } from '../scenario/topology.ts';

const RATE = 100; // packets a second
const scenario: ScenarioFile = {
  about: 'one allowed and one denied pair',
  hosts: { h1: {}, h2: {} },
  workloads: {
    client: { host: 'h1', iface: 'cali1', ips: ['10.65.0.1' as Ip] },
    server: { host: 'h2', iface: 'cali2', ips: ['10.65.0.2' as Ip] },
    stranger: { host: 'h1', iface: 'cali3', ips: ['10.65.0.3' as Ip] },
  },
  steps: [],
};
const RESOURCES = `
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: open}
spec: {egress: [{action: Allow}], ingress: [{action: Allow}]}
${Object.entries(scenario.workloads ?? {})
  .map(
    ([name, w]) => `---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: ${w.host}-lab-${name}-eth0, namespace: default, labels: {app: ${name}}}
spec: {node: ${w.host}, orchestrator: lab, workload: ${name}, endpoint: eth0, interfaceName: ${w.iface}, ipNetworks: [${w.ips[0]}/32], profiles: [open]}
`,
  )
  .join('')}---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: only-the-client}
spec:
  selector: app == 'server'
  types: [Ingress]
  ingress: [{action: Allow, source: {selector: app == 'client'}}]
`;

describe('policy and routes while things break', () => {
  const topology = new Topology(scenario, `ft${process.pid % 10000}-`);
  const programs = new Programs(scenario, topology);
  const work = mkdtempSync(join(tmpdir(), 'faults-'));
  let streams: { allowed: Stream; denied: Stream };

  beforeAll(async () => {
    topology.up();
    await programs.startEtcd();
    programs.declareReady();
    writeFileSync(join(work, 'resources.yaml'), RESOURCES);
    programs.calicoctl('apply', join(work, 'resources.yaml'));
    for (const host of topology.hosts()) programs.startFelix(host);
    await until('every Felix ready', 60, () => programs.allReady());
  });

  afterAll(async () => {
    await programs.stop();
    topology.down();
    rmSync(work, { recursive: true });
  });

  function startStreams(): void {
    const stream = (from: string, port: number) =>
      new Stream(topology.namespace(from), topology.namespace('server'), '10.65.0.2' as Ip, port, RATE);
    streams = { allowed: stream('client', 7001), denied: stream('stranger', 7002) };
  }

  async function nothingLostNothingLeaked(): Promise<void> {
    const lost = await streams.allowed.stop();
    await streams.denied.stop();
    expect(streams.allowed.sent).toBeGreaterThan(RATE);
    expect({ lost, leaked: [...streams.denied.arrived] }).toEqual({ lost: [], leaked: [] });
  }

  it('Felix is killed and comes back 20 times', async () => {
    startStreams();
    for (let i = 0; i < 20; i++) {
      for (const host of topology.hosts()) programs.killFelix(host);
      await sleep(700); // the supervisor starts it again after 500 ms
      await until('every Felix ready', 30, () => programs.allReady());
    }
    await nothingLostNothingLeaked();
  });

  it('etcd is away for 30 s', async () => {
    startStreams();
    await programs.stopEtcd();
    await sleep(30_000);
    await programs.startEtcd();
    await until('every Felix ready', 30, () => programs.allReady());
    await sleep(3000);
    await nothingLostNothingLeaked();
  });
});

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
