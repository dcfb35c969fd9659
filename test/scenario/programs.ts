/** The programs of a scenario: etcd, one Felix a host, calicoctl. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ScenarioFile, Step } from './files.ts';
import { Supervised } from './supervised.ts';
import type { Topology } from './topology.ts';

const ETCD = 'http://172.30.0.2:2379';
const DATASTORE = { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: ETCD };

/** What says that the datastore is ready for Felix to read. */
const CLUSTER_KEY = '/calico/resources/v3/projectcalico.org/clusterinformations/default';
const CLUSTER = {
  kind: 'ClusterInformation',
  apiVersion: 'projectcalico.org/v3',
  metadata: { name: 'default', uid: '00000000-0000-4000-8000-000000000001', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { clusterGUID: '00000000000040008000000000000002', clusterType: '', calicoVersion: '', datastoreReady: true },
};

export class Programs {
  private readonly scenario: ScenarioFile;
  private readonly topology: Topology;
  private readonly felix = new Map<string, Supervised>();
  private etcd: Supervised | undefined;

  constructor(scenario: ScenarioFile, topology: Topology) {
    this.scenario = scenario;
    this.topology = topology;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.felix.values(), ...(this.etcd ? [this.etcd] : [])].map((p) => p.stop()));
  }

  startFelix(host: string): void {
    const config = {
      DatastoreType: 'etcdv3',
      EtcdEndpoints: ETCD,
      FelixHostname: host,
      LogSeverityScreen: 'info',
      LogFilePath: 'none',
      LogSeverityFile: 'none',
      LogSeveritySys: 'none',
      HealthEnabled: 'true',
      HealthHost: '127.0.0.1',
      HealthPort: '9099',
      PrometheusMetricsEnabled: 'true',
      PrometheusMetricsPort: '9091',
      UsageReportingEnabled: 'false',
      IptablesBackend: 'legacy',
      Ipv6Support: 'false',
      IpInIpEnabled: 'false',
      ...this.scenario.felix,
      ...this.scenario.hosts[host]?.felix,
    };
    const env = Object.fromEntries(Object.entries(config).map(([key, value]) => [`FELIX_${key.toUpperCase()}`, value]));
    const known = this.felix.get(host);
    const felix =
      known ??
      new Supervised(
        this.topology.namespace(host),
        resolve('bin/calico-felix'),
        { ...env, ...DATASTORE },
        join(this.topology.work, `felix-${host}.log`),
      );
    this.felix.set(host, felix);
    felix.start();
  }

  killFelix(host: string): void {
    this.felix.get(host)?.signal('SIGKILL');
  }

  async stopFelix(host: string): Promise<void> {
    await this.felix.get(host)?.stop();
  }

  /** Are those Felixes that should be running ready? */
  async allReady(): Promise<boolean> {
    const running = [...this.felix].filter(([, process]) => process.wanted).map(([host]) => host);
    return running.every((host) => {
      const code = this.topology.shell(
        host,
        'curl -s -m 2 -o /dev/null -w %{http_code} http://127.0.0.1:9099/readiness || true',
      );
      return code.startsWith('20');
    });
  }

  async startEtcd(): Promise<void> {
    this.etcd ??= new Supervised(
      this.topology.namespace('net'),
      `etcd --data-dir ${this.topology.work}/etcd --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls ${ETCD}` +
        ' --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync --logger zap --log-level error',
      {},
      join(this.topology.work, 'etcd.log'),
    );
    this.etcd.start();
    await until('etcd', 15, async () => this.etcdctl(['endpoint', 'health']) !== null);
  }

  async stopEtcd(): Promise<void> {
    await this.etcd?.stop();
  }

  etcdRunning(): boolean {
    return this.etcd?.wanted ?? false;
  }

  declareReady(): void {
    this.put({ [CLUSTER_KEY]: CLUSTER });
  }

  /** Writes keys that other components than calicoctl own; null deletes. */
  put(pairs: Record<string, unknown>): void {
    for (const [key, value] of Object.entries(pairs))
      if (value === null) this.etcdctl(['del', key]);
      else this.etcdctl(['put', key], typeof value === 'string' ? value : JSON.stringify(value));
  }

  /** Writes and deletes what a step of the scenario in `dir` says. */
  write(dir: string, step: Step): void {
    if (step.put) this.put(JSON.parse(readFileSync(join(dir, step.put), 'utf8')));
    if (step.apply) this.calicoctl('apply', join(dir, step.apply));
    if (step.delete) this.calicoctl('delete', join(dir, step.delete));
  }

  /** Everything that is stored. */
  dump(): { key: string; value: string }[] {
    const text = (base64: string) => Buffer.from(base64, 'base64').toString();
    const { kvs } = JSON.parse(this.etcdctl(['get', '--prefix', '/', '-w', 'json']) ?? '{}') as {
      kvs?: { key: string; value: string }[];
    };
    return (kvs ?? []).map(({ key, value }) => ({ key: text(key), value: text(value) }));
  }

  calicoctl(verb: string, file: string): void {
    execFileSync(
      'ip',
      [
        'netns',
        'exec',
        this.topology.namespace('net'),
        'env',
        'DATASTORE_TYPE=etcdv3',
        `ETCD_ENDPOINTS=${ETCD}`,
        resolve('bin/calicoctl'),
        verb,
        '-f',
        file,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
  }

  /** Runs `churn.ts` until it is stopped; `stop` resolves to how often it wrote. */
  startChurn(): { stop(): Promise<number> } {
    const command = [process.execPath, resolve('test/scenario/churn.ts'), ETCD];
    const child = spawn('ip', ['netns', 'exec', this.topology.namespace('net'), ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    const ended = new Promise((done) => child.once('exit', done));
    return {
      async stop() {
        child.stdin.end();
        await ended;
        return Number(output);
      },
    };
  }

  private etcdctl(args: string[], input = ''): string | null {
    try {
      return execFileSync(
        'ip',
        ['netns', 'exec', this.topology.namespace('net'), 'etcdctl', '--endpoints', ETCD, ...args],
        {
          env: { ...process.env, ETCDCTL_API: '3' },
          input,
          encoding: 'utf8',
          stdio: ['pipe', 'pipe', 'ignore'],
        },
      );
    } catch {
      return null;
    }
  }
}

export async function until(what: string, seconds: number, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not in ${seconds} s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
