/**
 * Two hosts with our Felix, workloads that may talk to each other and workloads that may not, and packets between them
 * while something happens.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ip } from '../../src/net/index.ts';
import type { Backend } from './backend.ts';
import type { ScenarioFile } from './files.ts';
import { Programs, until } from './programs.ts';
import { judge, type StreamSpec, Streams } from './streams.ts';
import { Topology } from './topology.ts';

const RATE = 100; // packets a second, of each stream

const WORKLOADS = {
  client: { host: 'h1', iface: 'cali1', ips: ['10.65.0.1', 'fd00:65::1'] as Ip[] },
  server: { host: 'h2', iface: 'cali2', ips: ['10.65.0.2', 'fd00:65::2'] as Ip[] },
  stranger: { host: 'h1', iface: 'cali3', ips: ['10.65.0.3', 'fd00:65::3'] as Ip[] },
  // Beside the client and the stranger: packets that one host alone decides.
  neighbour: { host: 'h1', iface: 'cali4', ips: ['10.65.0.4', 'fd00:65::4'] as Ip[] },
};

function scenarioOver(backend: Backend): ScenarioFile {
  const felix = { IptablesBackend: backend, Ipv6Support: 'true' };
  return { about: 'allowed and denied pairs', hosts: { h1: {}, h2: {} }, workloads: WORKLOADS, felix, steps: [] };
}

/** What the servers let in, once as it is written and once otherwise, to the same effect. */
export const POLICIES = ["app == 'client'", "app in {'client', 'nobody'}"].map((selector) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name: 'only-the-client' },
  spec: { selector: "role == 'server'", types: ['Ingress'], ingress: [{ action: 'Allow', source: { selector } }] },
}));

const PROFILE = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'Profile',
  metadata: { name: 'open' },
  spec: { egress: [{ action: 'Allow' }], ingress: [{ action: 'Allow' }] },
};

/** A workload endpoint as calicoctl takes it. */
export function endpoint(name: string, host: string, interfaceName: string, ips: readonly string[]) {
  const role = name === 'server' || name === 'neighbour' ? 'server' : 'other';
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: { name: `${host}-lab-${name}-eth0`, namespace: 'default', labels: { app: name, role } },
    spec: {
      node: host,
      orchestrator: 'lab',
      workload: name,
      endpoint: 'eth0',
      interfaceName,
      ipNetworks: ips.map((ip) => `${ip}/${ip.includes(':') ? 128 : 32}`),
      profiles: ['open'],
    },
  };
}

export class LiveLab {
  readonly topology: Topology;
  readonly programs: Programs;

  private constructor(topology: Topology, programs: Programs) {
    this.topology = topology;
    this.programs = programs;
  }

  static async up(prefix: string, backend: Backend): Promise<LiveLab> {
    const scenario = scenarioOver(backend);
    const topology = new Topology(scenario, prefix);
    const programs = new Programs(scenario, topology);
    const lab = new LiveLab(topology, programs);
    topology.up();
    await programs.startEtcd();
    programs.declareReady();
    const endpoints = Object.entries(WORKLOADS).map(([name, w]) => endpoint(name, w.host, w.iface, w.ips));
    lab.apply([PROFILE, POLICIES[0] as object, ...endpoints]);
    for (const host of topology.hosts()) programs.startFelix(host);
    await lab.ready();
    return lab;
  }

  async down(): Promise<void> {
    await this.programs.stop();
    this.topology.down();
  }

  ready(): Promise<void> {
    return until('every Felix ready', 60, () => this.programs.allReady());
  }

  apply(resources: readonly object[]): void {
    const work = mkdtempSync(join(tmpdir(), 'live-lab-'));
    try {
      const file = join(work, 'resources.yaml');
      writeFileSync(file, resources.map((resource) => JSON.stringify(resource)).join('\n---\n'));
      this.programs.calicoctl('apply', file);
    } finally {
      rmSync(work, { recursive: true });
    }
  }

  /** Sends packets while `body` runs; resolves to what was lost of those allowed, or delivered of those denied. */
  async whilePacketsPass(body: () => Promise<void>): Promise<{ sent: number; wrong: string[] }> {
    const allowed = this.#streams('client');
    const streams = await Streams.start([...allowed, ...this.#streams('stranger')], RATE);
    try {
      await body();
    } catch (error) {
      await streams.stop();
      throw error;
    }
    return judge(await streams.stop(), allowed.length);
  }

  /** Kills every Felix so often, and waits each time until it is back, while `churn.ts` runs. Resolves to its writes. */
  async kills(times: number): Promise<number> {
    const churn = this.programs.startChurn();
    for (let i = 0; i < times; i++) {
      for (const host of this.topology.hosts()) this.programs.killFelix(host);
      await new Promise((done) => setTimeout(done, 700)); // the supervisor starts it again after 500 ms
      await this.ready();
    }
    return churn.stop();
  }

  #streams(from: 'client' | 'stranger'): StreamSpec[] {
    return (['server', 'neighbour'] as const).flatMap((to) =>
      ([0, 1] as const).map((i): StreamSpec => {
        const proto = i === 0 ? 'tcp' : 'udp';
        const [src, dst] = [WORKLOADS[from].ips[i] as Ip, WORKLOADS[to].ips[i] as Ip];
        const ends = { from: this.topology.namespace(from), at: this.topology.namespace(to) };
        return { name: `${from} to ${to} ${proto} ${dst}`, ...ends, proto, src, dst, port: 7001 };
      }),
    );
  }
}
