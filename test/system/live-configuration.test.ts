/**
 * Felix's configuration changes while packets flow: those of an allowed pair all pass, of a denied pair none, and what
 * the kernel holds afterwards is what the new configuration says, in the same process.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/net/index.ts';
import type { ScenarioFile } from '../scenario/files.ts';
import { Programs, until } from '../scenario/programs.ts';
import { type StreamSpec, Streams } from '../scenario/streams.ts';
import { Topology } from '../scenario/topology.ts';

const RATE = 200; // packets a second
const workload = (host: string, number: number) => ({
  host,
  iface: `cali${number}`,
  ips: [`10.65.0.${number}`, `fd00:65::${number}`] as Ip[],
});
const scenario: ScenarioFile = {
  about: 'allowed and denied pairs, within a host and between two',
  hosts: { h1: {}, h2: {} },
  // What is to change must not be pinned by the environment, which wins.
  felix: { IptablesBackend: '', Ipv6Support: '', HealthPort: '', LogSeverityScreen: '' },
  workloads: {
    client: workload('h1', 1),
    server: workload('h2', 2),
    stranger: workload('h1', 3),
    neighbour: workload('h1', 4),
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
spec: {node: ${w.host}, orchestrator: lab, workload: ${name}, endpoint: eth0, interfaceName: ${w.iface}, ipNetworks: [${w.ips[0]}/32, "${w.ips[1]}/128"], profiles: [open]}
`,
  )
  .join('')}---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: only-the-client}
spec:
  selector: app in {'server', 'neighbour'}
  types: [Ingress]
  ingress: [{action: Allow, source: {selector: app == 'client'}}]
`;

const topology = new Topology(scenario, `c${process.pid % 100000}-`);
const programs = new Programs(scenario, topology);
const work = mkdtempSync(join(tmpdir(), 'live-configuration-'));

const flow = (from: string, at: string, family: 4 | 6, port: number): StreamSpec => ({
  name: `${from} to ${at} over IPv${family}`,
  from: topology.namespace(from),
  at: topology.namespace(at),
  proto: 'tcp',
  src: topology.address(from, family) as Ip,
  dst: topology.address(at, family) as Ip,
  port,
});
const ALLOWED = [flow('client', 'server', 4, 7001), flow('client', 'neighbour', 4, 7002)];
const ALLOWED_6 = [flow('client', 'server', 6, 7007), flow('client', 'neighbour', 6, 7008)];
const DENIED = [
  flow('stranger', 'server', 4, 7003),
  flow('stranger', 'neighbour', 4, 7004),
  flow('stranger', 'server', 6, 7005),
  flow('stranger', 'neighbour', 6, 7006),
];

/** Replaces the FelixConfiguration of every node. */
function configure(spec: object, name = 'default'): void {
  const resource = { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name }, spec };
  writeFileSync(join(work, 'configuration.yaml'), JSON.stringify(resource));
  programs.calicoctl('apply', join(work, 'configuration.yaml'));
}

const on = (host: string, command: string): string => topology.shell(host, `${command} || true`);
const metric = (name: string, host = 'h1'): number =>
  Number(new RegExp(`^${name} ([\\d.]+)$`, 'm').exec(on(host, 'curl -s http://127.0.0.1:9091/metrics'))?.[1]);
const starts = (): number[] => topology.hosts().map((host) => metric('process_start_time_seconds', host));
async function becomes(what: string, holds: () => boolean): Promise<void> {
  await until(what, 20, async () => holds());
}

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

describe('a configuration that changes while packets flow', () => {
  let before: number[];
  let streams: Streams;

  beforeEach(async () => {
    before = starts();
    streams = await Streams.start([...ALLOWED, ...ALLOWED_6, ...DENIED], RATE);
  });

  afterEach(async ({ task }) => {
    const results = new Map((await streams.stop()).map((result) => [result.name, result]));
    const of = (specs: readonly StreamSpec[], times: 'lostAt' | 'arrivedAt') =>
      specs.map(({ name }) => ({ name, times: results.get(name)?.[times] }));
    const none = (specs: readonly StreamSpec[]) => specs.map(({ name }) => ({ name, times: [] }));
    const allowed = task.name.startsWith('IPv6') ? ALLOWED : [...ALLOWED, ...ALLOWED_6];
    expect(of(allowed, 'lostAt')).toEqual(none(allowed));
    expect(of(DENIED, 'arrivedAt')).toEqual(none(DENIED));
    for (const { times } of of(allowed, 'arrivedAt')) expect(times?.length).toBeGreaterThan(RATE / 4);
    expect(starts()).toEqual(before);
  });

  it('chains: what happens to packets for the host, prefixes of logs, marks', async () => {
    configure({ defaultEndpointToHostAction: 'Return', logPrefix: 'changed' });
    await becomes('to the host', () => on('h1', 'iptables-legacy -S cali-wl-to-host').includes('-j RETURN'));
    configure({ iptablesMarkMask: 0xff00 });
    await becomes('marks', () => /set-xmark 0x[1-9a-f]00\//.test(on('h1', 'iptables-legacy-save')));
    expect(on('h1', 'iptables-legacy-save')).not.toMatch(/mark 0x[1-9a-f]0000/);
    expect(on('h1', 'iptables-legacy -S cali-wl-to-host')).not.toContain('-j RETURN');
  });

  it('another iptables backend, and back: nothing of ours is left in the other', async () => {
    for (const [setting, present, absent] of [
      ['NFT', 'nft', 'legacy'],
      ['Legacy', 'legacy', 'nft'],
    ] as const) {
      configure({ iptablesBackend: setting });
      for (const host of topology.hosts()) {
        await becomes(`${setting} on ${host}`, () => on(host, `iptables-${present}-save`).includes('cali-tw-cali'));
        await becomes(`only that on ${host}`, () =>
          ['iptables', 'ip6tables'].every((program) => !on(host, `${program}-${absent}-save`).includes('cali')),
        );
      }
    }
  });

  it('rules at the end of the chains, and back to the front', async () => {
    topology.shell('h1', 'iptables-legacy -I FORWARD -p tcp --dport 1 -j ACCEPT');
    const forward = () => on('h1', 'iptables-legacy -S FORWARD').split('\n');
    configure({ chainInsertMode: 'Append' });
    await becomes('append', () => forward()[1]?.includes('--dport 1') ?? false);
    configure({ chainInsertMode: 'Insert' });
    await becomes('insert', () => forward()[1]?.includes('cali-FORWARD') ?? false);
    expect(forward().filter((rule) => rule.includes('cali-FORWARD'))).toHaveLength(1);
    topology.shell('h1', 'iptables-legacy -D FORWARD -p tcp --dport 1 -j ACCEPT');
  });

  it("routes: another protocol and source; others' stay or go as it says", async () => {
    configure({ deviceRouteProtocol: 80, deviceRouteSourceAddress: '172.30.0.11' });
    await becomes('protocol', () => on('h1', 'ip route show 10.65.0.1').includes('proto 80'));
    expect(on('h1', 'ip route show 10.65.0.1')).toContain('src 172.30.0.11');
    configure({ removeExternalRoutes: false });
    await becomes('protocol as before', () => !on('h1', 'ip route show 10.65.0.1').includes('proto 80'));
    topology.shell('h1', 'ip route add 10.99.0.1 dev cali1 proto static');
    configure({ removeExternalRoutes: true });
    await becomes('no other route', () => on('h1', 'ip route show 10.99.0.1') === '');
  });

  it('prefixes of interfaces', async () => {
    const tap = () => on('h1', 'iptables-legacy -S cali-FORWARD').includes('-i tap+');
    configure({ interfacePrefix: 'cali,tap' });
    await becomes('taps, too', tap);
    configure({});
    await becomes('no taps', () => !tap());
  });

  it('tunnels: their sets and rules come and go', async () => {
    const sets = () => on('h1', 'ipset list -n');
    const vxlan = () => on('h1', 'iptables-legacy -S cali-INPUT').includes('--dports 4789');
    configure({ vxlanEnabled: true });
    await becomes('VXLAN', () => sets().includes('cali40all-vxlan-net') && vxlan());
    configure({});
    await becomes('no VXLAN', () => !sets().includes('cali40all-vxlan-net') && !vxlan());
  });

  it('ports of health and metrics: the dataplane does not notice', async () => {
    configure({ healthPort: 9100, logSeverityScreen: 'Debug' });
    const asked = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9100/readiness";
    await becomes('health there', () => on('h1', asked).startsWith('20'));
    expect(on('h1', 'curl -s http://127.0.0.1:9100/readiness')).toBe('');
    configure({});
  });

  it('a configuration that is refused leaves the last good one in force, and says so', async () => {
    configure({ defaultEndpointToHostAction: 'Accept' });
    await becomes('the good one', () => on('h1', 'iptables-legacy -S cali-wl-to-host').includes('-j ACCEPT'));
    const key = '/calico/resources/v3/projectcalico.org/felixconfigurations/default';
    programs.put({ [key]: configuration(80, { iptablesMarkMask: 1, defaultEndpointToHostAction: 'Drop' }) });
    await becomes('told', () => metric('calico_felix_config_refused') === 1);
    expect(on('h1', 'iptables-legacy -S cali-wl-to-host')).toContain('-j ACCEPT');
    configure({ defaultEndpointToHostAction: 'Drop' });
    await becomes('a good one again', () => metric('calico_felix_config_refused') === 0);
    await becomes('that one', () => on('h1', 'iptables-legacy -S cali-wl-to-host').includes('-j DROP'));
  });

  it('IPv6: everything of it goes but what closes workloads to it, and comes back', async () => {
    const chains = () =>
      on('h1', 'ip6tables-legacy-save')
        .split('\n')
        .filter((line) => line.startsWith(':cali-'));
    configure({ ipv6Support: false });
    await becomes('two chains', () => chains().length === 2);
    await becomes('no sets', () => !on('h1', 'ipset list -n').includes('cali6'));
    expect(on('h1', 'ip -6 route')).not.toMatch(/fd00:65::\S+ dev cali/);
    // Others route and forward what Felix does not: of the denied packets none may arrive.
    on('h1', 'sysctl -w net.ipv6.conf.all.forwarding=1');
    const routes = [1, 3, 4].map((number) => `fd00:65::${number} dev cali${number}`);
    for (const route of routes) on('h1', `ip -6 route add ${route}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const route of routes) on('h1', `ip -6 route del ${route}`);
    configure({});
    await becomes('routes', () => on('h1', 'ip -6 route').includes('fd00:65::4'));
    expect(on('h1', 'ip6tables-legacy-save')).toContain('cali-tw-cali4');
  });
});

function configuration(deviceRouteProtocol: number, more: object = {}): object {
  return {
    kind: 'FelixConfiguration',
    apiVersion: 'projectcalico.org/v3',
    metadata: {
      name: 'default',
      creationTimestamp: '2026-01-01T00:00:00Z',
      uid: '00000000-0000-4000-8000-000000000009',
    },
    spec: { deviceRouteProtocol, ...more },
  };
}
