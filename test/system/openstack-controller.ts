/**
 * A controller of the test's own: Debian's neutron-server over MariaDB, our driver in it, our service, an etcd and a stand-in for
 * Keystone. Everything listens in the test's namespace.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { programPath } from '../../src/program/index.ts';
import { Etcd } from './datastore-etcd.ts';

const PROJECT = `${'p'.repeat(31)}1`;
const PYTHON = '/usr/bin/python3'; // Debian's, for which Debian's Neutron is
const UP_MS = 120_000;
/** Neutron takes an agent for dead after 75 s. */
const REPORTS_MS = 20_000;

export interface ControllerOptions {
  readonly corePlugin?: 'calico' | 'ml2';
  readonly region?: string;
}

export class Controller {
  readonly directory = mkdtempSync(join(tmpdir(), 'calico-neutron-'));
  readonly etcd = new Etcd();
  readonly socket = join(this.directory, 'service', 'service.sock');
  readonly #children = new Map<string, ChildProcess>();
  readonly #config = join(this.directory, 'neutron.conf');

  readonly #options: ControllerOptions;
  #reports: NodeJS.Timeout | undefined;

  constructor(options: ControllerOptions = {}) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#installDriver();
    await this.etcd.start();
    this.#writeConfig();
    this.#run('keystone', PYTHON, ['test/vectors/neutron/keystone.py', '5000']);
    await this.#startDatabase();
    execFileSync('neutron-db-manage', ['--config-file', this.#config, 'upgrade', 'heads'], {
      stdio: 'pipe',
      env: this.#environment,
    });
    this.startService();
    await this.startNeutron();
  }

  startService(): void {
    this.#run('service', programPath('calico-openstack'), ['--config-file', this.#config]);
  }

  /** Another controller's, which Neutron here does not speak to. */
  startOtherService(): void {
    const more = join(this.directory, 'other.conf');
    writeFileSync(more, `[calico]\nservice_socket = ${this.directory}/other.sock\n`);
    this.#run('other', programPath('calico-openstack'), ['--config-file', `${this.#config},${more}`]);
  }

  /** A Felix on each of them reports, again and again, which makes it one that ports are bound to. */
  reportHosts(...hosts: string[]): void {
    const segment = this.#options.region ? `region-${this.#options.region}` : 'no-region';
    const started = Date.now();
    const report = () => {
      const time = new Date().toISOString().replace(/\.\d+Z/, 'Z');
      const value = JSON.stringify({
        time,
        uptime: (Date.now() - started) / 1000,
        first_update: this.#reports === undefined,
      });
      for (const host of hosts) this.etcd.ctl('put', `/calico/felix/v2/${segment}/host/${host}/status`, value);
    };
    report();
    this.#reports = setInterval(() => {
      if (this.etcd.pid !== 0) report();
    }, REPORTS_MS);
  }

  async startNeutron(): Promise<void> {
    this.#run('neutron', 'neutron-server', ['--config-file', this.#config]);
    await until('neutron-server', async () => (await fetch('http://127.0.0.1:9696/')).ok);
  }

  /** SIGKILL, as a crash would: with it those that it has started. */
  async kill(name: 'service' | 'other' | 'neutron' | 'database' | 'keystone'): Promise<void> {
    const child = this.#children.get(name);
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    clearInterval(this.#reports);
    for (const name of ['neutron', 'service', 'other', 'keystone', 'database'] as const) await this.kill(name);
    await this.etcd.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Neutron's answer: what the one field of it holds. */
  async api<T = { id: string }>(method: string, path: string, body?: { [kind: string]: object }): Promise<T> {
    const owned = (fields: object) => (method === 'POST' ? { tenant_id: PROJECT, ...fields } : fields);
    const asked = Object.entries(body ?? {}).map(([kind, fields]) => [
      kind,
      Array.isArray(fields) ? fields.map(owned) : owned(fields),
    ]);
    const response = await fetch(`http://127.0.0.1:9696/v2.0/${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-project-id': PROJECT,
        'x-tenant-id': PROJECT,
        'x-user-id': 'u1',
        'x-roles': 'admin',
      },
      ...(body ? { body: JSON.stringify(Object.fromEntries(asked)) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : Object.values(JSON.parse(text))[0]) as T;
  }

  /** The service's answer. */
  service<T>(method: string, path: string): T {
    const url = `http://service${path}`;
    return JSON.parse(
      execFileSync('curl', ['-sS', '-X', method, '--unix-socket', this.socket, url], { encoding: 'utf8' }),
    );
  }

  sql(statement: string): string {
    return execFileSync('mariadb', ['-uroot', '-S', join(this.directory, 'sql.sock'), '-N', '-e', statement], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Everything in etcd under /calico, parsed where it is JSON. */
  async dump(): Promise<Record<string, unknown>> {
    const store = new EtcdStore({ endpoints: [this.etcd.endpoint] });
    const { items } = await store.list('/calico');
    await store.close();
    return Object.fromEntries(items.map(({ key, value }) => [key, parsed(value)]));
  }

  log(name: string): string {
    return readFileSync(join(this.directory, `${name}.log`), 'utf8');
  }

  get #environment() {
    return { ...process.env, PYTHONPATH: join(this.directory, 'python') };
  }

  #installDriver(): void {
    const source = join(this.directory, 'source');
    execFileSync('cp', ['-r', 'neutron', source]);
    const target = join(this.directory, 'python');
    const options = ['--no-deps', '--no-build-isolation', '--no-index', '--root-user-action=ignore'];
    execFileSync(PYTHON, ['-m', 'pip', 'install', '-q', ...options, '--target', target, source], { stdio: 'pipe' });
  }

  async #startDatabase(): Promise<void> {
    const data = join(this.directory, 'data');
    const own = ['--no-defaults', '--user=root', `--datadir=${data}`];
    execFileSync('mariadb-install-db', [...own, '--auth-root-authentication-method=normal', '--skip-test-db'], {
      stdio: 'pipe',
    });
    const socket = `--socket=${join(this.directory, 'sql.sock')}`;
    this.#run('database', 'mariadbd', [
      ...own,
      socket,
      '--skip-networking',
      '--innodb-flush-log-at-trx-commit=0',
      `--pid-file=${join(this.directory, 'database.pid')}`,
    ]);
    await until('mariadbd', async () => this.sql('create database neutron character set utf8') === '');
  }

  #run(name: string, program: string, args: string[]): void {
    const log = openSync(join(this.directory, `${name}.log`), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log], env: this.#environment, detached: true });
    this.#children.set(name, child);
  }

  #writeConfig(): void {
    const state = join(this.directory, 'state');
    mkdirSync(state);
    writeFileSync(
      this.#config,
      `[DEFAULT]
auth_strategy = noauth
core_plugin = ${this.#options.corePlugin ?? 'calico'}
service_plugins = ${this.#options.corePlugin === 'ml2' ? 'router' : ''}
api_workers = 1
rpc_workers = 1
transport_url = fake://
bind_host = 127.0.0.1
api_paste_config = /etc/neutron/api-paste.ini
state_path = ${state}
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[oslo_concurrency]
lock_path = $state_path/lock
[database]
connection = mysql+pymysql://root@localhost/neutron?unix_socket=${this.directory}/sql.sock
[quotas]
quota_driver = neutron.db.quota.driver_null.DbQuotaDriverNull
[keystone_authtoken]
auth_url = http://127.0.0.1:5000
username = neutron
password = secret
project_name = service
[ml2]
mechanism_drivers = calico
type_drivers = local
tenant_network_types = local
[calico]
openstack_region = ${this.#options.region ?? ''}
etcd_host = 127.0.0.1
etcd_port = ${this.etcd.port}
service_socket = ${this.socket}
resync_interval_secs = 3600
`,
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function until(what: string, task: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + UP_MS;
  for (;;) {
    if (await task().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`${what} does not come up`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
