/**
 * A scenario's hosts, outside hosts and workloads as network namespaces.
 * What stands where is described in test/vectors/felix/README.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { familyOf, type Ip } from '../../src/net/index.ts';
import type { ScenarioFile, WorkloadSpec } from './files.ts';

const HOST_SIDE_MAC = 'ee:ee:ee:ee:ee:ee';
const HOST_SIDE_LINK_LOCAL = 'fe80::ecee:eeff:feee:eeee';
// A namespace tracks connections only once a rule asks for it; on a real host something always does.
const TRACK = `nft 'add table inet lab; add chain inet lab early { type filter hook prerouting priority 300; }; add rule inet lab early ct state established'`;
const SYSCTLS = [
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  'net.ipv6.conf.all.disable_ipv6=0',
  'net.ipv6.conf.default.disable_ipv6=0',
  'net.ipv6.conf.default.accept_dad=0',
  'net.ipv6.conf.all.accept_dad=0',
  'net.ipv4.ping_group_range=1 0',
  'net.ipv4.tcp_retries2=255',
  'net.ipv4.icmp_ratelimit=0',
  'net.ipv6.icmp.ratelimit=0',
];

export class Topology {
  readonly work = mkdtempSync(join(tmpdir(), 'scenario-'));
  readonly plugged = new Set<string>();
  private readonly scenario: ScenarioFile;
  private readonly prefix: string;
  private readonly addresses = new Map<string, Ip>();

  constructor(scenario: ScenarioFile, prefix: string) {
    this.scenario = scenario;
    this.prefix = prefix;
    for (const [base, names] of [
      [11, scenario.hosts],
      [100, this.outside()],
    ] as const)
      Object.entries(names).forEach(([name, spec], i) => {
        const number = spec.number ?? base + i;
        this.addresses.set(`${name} 4`, `172.30.0.${number}` as Ip);
        this.addresses.set(`${name} 6`, `fd00:30::${number}` as Ip);
      });
    for (const [name, workload] of Object.entries(scenario.workloads ?? {}))
      for (const ip of [...workload.ips].reverse()) this.addresses.set(`${name} ${familyOf(ip)}`, ip);
  }

  namespace(name: string): string {
    return this.prefix + name;
  }

  address(name: string, family: 4 | 6): Ip | undefined {
    return this.addresses.get(`${name} ${family}`);
  }

  hosts(): string[] {
    return Object.keys(this.scenario.hosts);
  }

  outside(): NonNullable<ScenarioFile['outside']> {
    return this.scenario.outside ?? { out: {} };
  }

  workloads(): Record<string, WorkloadSpec> {
    return this.scenario.workloads ?? {};
  }

  up(): void {
    this.removeNamespaces();
    this.addNamespace('net');
    this.ip(
      'net',
      'link add br0 type bridge',
      'addr add 172.30.0.2/24 dev br0',
      'addr add fd00:30::2/64 dev br0 nodad',
      'link set br0 up',
    );
    [...this.hosts(), ...Object.keys(this.outside())].forEach((name, i) => {
      this.attach(name, i);
    });
    for (const [name, workload] of Object.entries(this.workloads())) {
      this.addNamespace(name);
      if (workload.present ?? true) this.plug(name);
    }
    this.routeStatically();
    for (const [host, commands] of Object.entries(this.scenario.before ?? {}))
      for (const command of commands) this.shell(host, command);
  }

  down(): void {
    this.removeNamespaces();
    rmSync(this.work, { recursive: true, force: true });
  }

  /** Connects a workload to its host, as an orchestrator does. */
  plug(name: string): void {
    const w = this.workloads()[name] as WorkloadSpec;
    const index = Object.keys(this.workloads()).indexOf(name) + 1;
    const mac = `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`;
    this.connect(name, w.mac ?? mac, w.host, w.iface, 'address', HOST_SIDE_MAC);
    this.ip(w.host, `link set ${w.iface} up`);
    const v4 = this.address(name, 4);
    const v6 = this.address(name, 6);
    this.ip(
      name,
      ...[...w.ips, ...(w.extra_ips ?? [])].map((ip) => `addr add ${ip} dev eth0${familyOf(ip) === 6 ? ' nodad' : ''}`),
      'link set eth0 up',
      'route add 169.254.1.1 dev eth0 scope link',
      `route add default via 169.254.1.1 dev eth0${v4 ? ` src ${v4}` : ''}`,
      ...(v6 ? [`-6 route add default via ${HOST_SIDE_LINK_LOCAL} dev eth0 src ${v6}`] : []),
    );
    this.plugged.add(name);
  }

  unplug(name: string): void {
    const w = this.workloads()[name] as WorkloadSpec;
    this.ip(w.host, `link del ${w.iface}`);
    this.plugged.delete(name);
  }

  ip(name: string, ...commands: string[]): void {
    for (const command of commands) run('ip', '-n', this.namespace(name), ...command.split(' '));
  }

  shell(name: string, command: string): string {
    return run('ip', 'netns', 'exec', this.namespace(name), 'sh', '-c', command);
  }

  // ---- network -----------------------------------------------------------------------------------------------

  private addNamespace(name: string): void {
    const ns = this.namespace(name);
    run('ip', 'netns', 'add', ns);
    run('ip', 'netns', 'exec', ns, 'sysctl', '-qw', ...SYSCTLS);
    run('ip', '-n', ns, 'link', 'set', 'lo', 'up');
  }

  /** A veth pair: eth0 with that MAC in one namespace, a named peer in another. */
  private connect(name: string, mac: string, peer: string, peerInterface: string, ...peerOptions: string[]): void {
    const near = ['eth0', 'netns', this.namespace(name), 'address', mac];
    const far = [peerInterface, 'netns', this.namespace(peer), ...peerOptions];
    run('ip', 'link', 'add', ...near, 'type', 'veth', 'peer', 'name', ...far);
  }

  private attach(name: string, index: number): void {
    this.addNamespace(name);
    const mac = `02:00:ac:1e:00:${(index + 1).toString(16).padStart(2, '0')}`;
    this.connect(name, mac, 'net', `p-${name}`);
    this.ip('net', `link set p-${name} master br0 up`);
    const spec = this.scenario.hosts[name] ?? this.outside()[name];
    this.ip(
      name,
      `addr add ${this.address(name, 4)}/24 dev eth0`,
      `addr add ${this.address(name, 6)}/64 dev eth0 nodad`,
      'link set eth0 up',
      ...(spec?.extra_ips ?? []).map((ip) => `addr add ${ip} dev lo`),
    );
    if (!(name in this.scenario.hosts)) return;
    this.shell(name, 'sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0');
    this.shell(name, TRACK);
    const gateway = Object.keys(this.outside())[0];
    if (gateway)
      for (const v of [4, 6] as const) this.ip(name, `-${v} route add default via ${this.address(gateway, v)}`);
  }

  /** Stands in for BGP: every other host and the outside reach a workload by way of its host. */
  private routeStatically(): void {
    const everyone = this.scenario.routes === 'outside' ? [] : this.hosts();
    for (const w of Object.values(this.workloads()))
      for (const name of [...everyone, ...Object.keys(this.outside())])
        for (const ip of [...w.ips, ...(w.routed_ips ?? [])])
          if (name !== w.host)
            this.ip(name, `-${familyOf(ip)} route replace ${ip} via ${this.address(w.host, familyOf(ip))} proto bird`);
  }

  private removeNamespaces(): void {
    const names = run('ip', 'netns', 'list')
      .split('\n')
      .map((line) => line.split(' ')[0] as string);
    for (const ns of names.filter(
      (name) => name.startsWith(this.prefix) && !name.slice(this.prefix.length).includes('-'),
    )) {
      for (const pid of run('ip', 'netns', 'pids', ns).split('\n').filter(Boolean)) killQuietly(Number(pid));
      run('ip', 'netns', 'del', ns);
    }
  }
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}
