/**
 * A network for BGP: one segment (10.1.0.0/24, fd01::/64) with hosts in namespaces of their own, etcd beside them, and
 * routers that are not ours. It lives in the namespace of the test's process; what it starts ends with `close`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '../../src/api/index.ts';
import { command } from '../../src/bgp/control.ts';
import { type Client, configFromEnvironment, connect } from '../../src/datastore/index.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const DATASTORE = { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: 'http://10.1.0.250:2379' };

export class Fabric {
  readonly directory: string;
  readonly #prefix: string;
  readonly #namespaces: string[] = [];
  readonly #programs = new Set<ChildProcess>();
  #client: Client | undefined;

  private constructor(prefix: string) {
    this.#prefix = `${prefix}${process.pid}-`;
    this.directory = mkdtempSync(join(tmpdir(), this.#prefix));
  }

  /** With etcd, where resources are written; or without, for hosts whose BIRD is all there is. */
  static async up(prefix: string, { etcd = true } = {}): Promise<Fabric> {
    enterOwnNamespace();
    const fabric = new Fabric(prefix);
    sh(`ip link add segment type bridge; ip addr add 10.1.0.250/24 dev segment; ip link set segment up`);
    if (!etcd) return fabric;
    const own = 'http://127.0.0.1:2380';
    fabric.#start('etcd', 'etcd', [
      ...[
        '--data-dir',
        join(fabric.directory, 'etcd.d'),
        '--unsafe-no-fsync',
        '--logger',
        'zap',
        '--log-level',
        'error',
      ],
      ...['--listen-client-urls', 'http://0.0.0.0:2379', '--advertise-client-urls', DATASTORE.ETCD_ENDPOINTS],
      ...['--listen-peer-urls', own, '--initial-advertise-peer-urls', own, '--initial-cluster', `default=${own}`],
    ]);
    await eventually(async () => {
      fabric.#client ??= await connect(configFromEnvironment(DATASTORE));
      await fabric.#client.list('Node');
    });
    return fabric;
  }

  get client(): Client {
    if (!this.#client) throw new Error('there is no etcd');
    return this.#client;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await Promise.all([...this.#programs].map((program) => this.stop(program, 'SIGKILL')));
    for (const namespace of this.#namespaces) {
      // What outlived its parent, such as BIRD, is in a namespace of ours.
      for (const pid of pidsIn(namespace)) process.kill(pid, 'SIGKILL');
      sh(`ip netns del ${namespace}`);
    }
    if (!process.env.CALICO_TEST_KEEP) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Adds a namespace with the addresses 10.1.0.`last` and fd01::`last`. */
  add(name: string, last: number): void {
    const namespace = this.namespace(name);
    this.#namespaces.push(namespace);
    sh(`ip netns add ${namespace}
        ip -n ${namespace} link set lo up
        ip link add v${last} type veth peer name eth0 netns ${namespace}
        ip link set v${last} master segment up
        ip -n ${namespace} addr add 10.1.0.${last}/24 dev eth0
        ip -n ${namespace} addr add fd01::${last}/64 dev eth0 nodad
        ip -n ${namespace} link set eth0 up`);
    mkdirSync(this.path(name));
  }

  namespace(name: string): string {
    return `${this.#prefix}${name}`;
  }

  /** A folder of the host's own. */
  path(name: string, file = ''): string {
    return join(this.directory, name, file);
  }

  in(name: string, script: string): string {
    return sh(`exec ip netns exec ${this.namespace(name)} sh -ec '${script}'`);
  }

  /** Starts a program in the host's namespace; what it prints goes to `log` in its folder. */
  start(name: string, log: string, program: string, args: string[], env: Record<string, string> = {}): ChildProcess {
    return this.#start(join(name, log), 'ip', ['netns', 'exec', this.namespace(name), program, ...args], env);
  }

  /** calico-bgp or calico-felix, from their sources, for the host. */
  startCalico(name: string, room: 'bgp' | 'felix', env: Record<string, string> = {}): ChildProcess {
    return this.start(name, `${room}.log`, process.execPath, [resolve(`src/${room}/main.ts`)], {
      ...DATASTORE,
      FELIX_FELIXHOSTNAME: name,
      CALICO_RUN_DIR: this.path(name),
      CALICO_BGP_PASSWORDS_DIR: join(this.directory, 'passwords'),
      ...env,
    });
  }

  async stop(program: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#programs.delete(program);
    if (program.exitCode !== null || program.signalCode !== null) return;
    const gone = new Promise((resolve) => program.once('exit', resolve));
    program.kill(signal);
    await gone;
  }

  #start(log: string, program: string, args: string[], env: Record<string, string> = {}): ChildProcess {
    const out = openSync(join(this.directory, log), 'a');
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', out, out] });
    this.#programs.add(child);
    return child;
  }

  async write(kind: string, name: string, spec: object, metadata: object = {}): Promise<void> {
    const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, ...metadata }, spec } as Resource;
    if (await this.client.find(kind, name)) await this.client.update(resource);
    else await this.client.create(resource);
  }

  /** A block of addresses, as IPAM stores it. */
  async addBlock(prefix: string, host: string): Promise<void> {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const block = {
      cidr: prefix,
      affinity: `host:${host}`,
      strictAffinity: false,
      allocations: [],
      unallocated: [],
      attributes: [],
    };
    await this.client.store.create(
      `/calico/ipam/v2/assignment/${family}/block/${prefix.replace('/', '-')}`,
      JSON.stringify(block),
    );
  }

  /** The host's routes to elsewhere that BIRD has set: destinations, both families. */
  learnt(name: string, protocol = 'bird'): string[] {
    const namespace = this.namespace(name);
    const text = sh(
      `ip -n ${namespace} route show proto ${protocol}; ip -n ${namespace} -6 route show proto ${protocol}`,
    );
    const lines = text.split('\n').filter((line) => line !== '' && !/^(blackhole|\s)/.test(line));
    return lines.map((line) => line.split(' ')[0] as string).sort();
  }

  bird(name: string, text: string): Promise<string[]> {
    return command(this.path(name, 'bird/bird.ctl'), text).then(({ lines }) => [...lines]);
  }

  birdPid(name: string): number {
    const pid = pidsIn(this.namespace(name)).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'bird');
    if (!pid) throw new Error(`no BIRD on ${name}`);
    return pid;
  }
}

function pidsIn(namespace: string): number[] {
  return sh(`ip netns pids ${namespace}`)
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 1);
}

export async function eventually(assertion: () => unknown, patience = 20_000): Promise<void> {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    try {
      await assertion();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
