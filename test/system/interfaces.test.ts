/** Interfaces that come late, go, come back under other names, flap, and come by the hundred: with this machine's kernel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CalcGraph } from '../../src/calc/index.ts';
import { gone, hostEndpoint, policy, put, workload } from '../../src/calc/testing/resources.ts';
import type { DataplaneConfig } from '../../src/dataplane/index.ts';
import { ip } from '../../src/net/index.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { NamespaceHost } from './namespace-host.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const w1 = workload('w1', { ips: ['10.65.0.1/32', 'fd00:65::1/128'] });
const w2 = workload('w2', { ips: ['10.65.0.2/32'] });
const BOTH = ['10.65.0.1 dev cali-w1 scope link', 'fd00:65::1 dev cali-w1 metric 1024'];

let graph: CalcGraph;
let host: NamespaceHost;

beforeAll(() => enterOwnNamespace());
beforeEach(async () => {
  graph = new CalcGraph({ node: 'h1' });
  graph.onUpdates([put(policy('p', { selector: 'all()' }))]);
  host = await NamespaceHost.start(BOTH_FAMILIES, graph);
});
afterEach(async () => {
  await host.close();
  const names = sh('ip -o link show type veth').matchAll(/^\d+: (cali[^@:]*|moved)[@:]/gm);
  for (const [, name] of names) sh(`ip link del ${name}`);
  sh('ip link del up0 2>/dev/null || true');
});

/** Another Felix, or the same with other settings. */
async function restart(config: Partial<DataplaneConfig> = {}, graceMs?: number): Promise<void> {
  await host.close();
  host = await NamespaceHost.start({ ...BOTH_FAMILIES, ...config }, graph, graceMs);
}

function plug(...names: string[]): void {
  const commands = names.flatMap((name) => [
    `link add ${name} type veth peer name p${name.slice(4)}`,
    `link set p${name.slice(4)} up`,
    `link set ${name} up`,
  ]);
  sh(`ip -batch - <<'EOF'\n${commands.join('\n')}\nEOF`);
}

const routes = (): string[] =>
  [...sh('ip route').split('\n'), ...sh('ip -6 route').split('\n')]
    .filter((line) => line.includes('dev cali') && !line.startsWith('fe80'))
    .map((line) => line.replace(/ (pref medium|linkdown)/g, '').trim())
    .sort();
const proxyArp = (name: string): string => sh(`cat /proc/sys/net/ipv4/conf/${name}/proxy_arp`).trim();

async function until(read: () => unknown, expected: unknown): Promise<void> {
  for (let i = 0; i < 500 && JSON.stringify(read()) !== JSON.stringify(expected); i++) await sleep(10);
  expect(read()).toEqual(expected);
}
const status = (name: string) => (): string | undefined => host.statuses.get(name);

describe('an interface', () => {
  test('comes after its endpoint, goes, and comes back', async () => {
    host.update(put(w1));
    await until(status('w1'), 'down');
    for (let i = 0; i < 2; i++) {
      plug('cali-w1');
      await until(status('w1'), 'up');
      expect({ routes: routes(), proxyArp: proxyArp('cali-w1') }).toEqual({ routes: BOTH, proxyArp: '1' });
      expect(sh('ip neigh show dev cali-w1')).toContain('10.65.0.1 lladdr 02:00:00:00:00:01 PERMANENT');
      sh('ip link del cali-w1');
      await until(status('w1'), 'down');
    }
    host.update(gone(w1));
    await until(status('w1'), undefined);
    expect(host.problems).toEqual([]);
  });

  test('comes before its endpoint', async () => {
    plug('cali-w1');
    await sleep(50);
    expect(proxyArp('cali-w1')).toBe('0');
    host.update(put(w1));
    await until(status('w1'), 'up');
    expect({ routes: routes(), proxyArp: proxyArp('cali-w1') }).toEqual({ routes: BOTH, proxyArp: '1' });
  });

  test('is renamed while it is up, and back', async () => {
    plug('cali-w1');
    host.update(put(w1));
    await until(status('w1'), 'up');
    sh('ip link set cali-w1 name moved');
    await until(status('w1'), 'down');
    await until(() => sh('ip route show dev moved; ip -6 route show dev moved proto boot').trim(), '');
    sh('ip link set moved name cali-w1');
    await until(status('w1'), 'up');
    await until(routes, BOTH);
    expect(host.problems).toEqual([]);
  });

  test('takes over the name of another', async () => {
    plug('cali-w1', 'cali-w2');
    host.update(put(w1), put(w2));
    await until(status('w2'), 'up');
    await until(status('w1'), 'up');
    const before = routes();
    sh('ip link set cali-w1 name moved; ip link set cali-w2 name cali-w1; ip link set moved name cali-w2');
    await until(() => [status('w1')(), status('w2')()], ['up', 'up']);
    await until(routes, before);
    await until(() => sh('ip neigh show dev cali-w2').includes('10.65.0.2 lladdr'), true);
    expect(sh('ip neigh show dev cali-w1')).not.toContain('10.65.0.2');
  });

  test('goes down and up a hundred times, and is deleted and made anew meanwhile', async () => {
    plug('cali-w1');
    host.update(put(w1));
    await until(status('w1'), 'up');
    for (let i = 0; i < 100; i++) {
      if (i % 10 === 9) {
        sh('ip link del cali-w1');
        plug('cali-w1');
      } else sh('ip link set cali-w1 down; ip link set cali-w1 up');
      if (i % 3 === 0) await sleep(i % 7);
    }
    await until(status('w1'), 'up');
    await until(routes, BOTH);
    await until(() => proxyArp('cali-w1'), '1');
    sh('ip link set cali-w1 down');
    await until(status('w1'), 'down');
    expect(host.problems).toEqual([]);
  });

  test('comes a hundredfold, whichever is first', async () => {
    const many = Array.from({ length: 100 }, (_, i) => workload(`m${i}`, { ips: [`10.66.0.${i}/32`] }));
    const names = many.map(({ interfaceName }) => interfaceName);
    const counts = () => [...host.statuses.values()].filter((state) => state === 'up').length;
    host.update(...many.map(put));
    plug(...names);
    await until(counts, 100);
    await until(() => routes().length, 100);
    sh(`ip -batch - <<'EOF'\n${names.map((name) => `link del ${name}`).join('\n')}\nEOF`);
    await until(counts, 0);
    expect(host.statuses.size).toBe(100);
    host.update(...many.map(gone));
    await until(() => host.statuses.size, 0);
    plug(...names);
    host.update(...many.map(put));
    await until(counts, 100);
    await until(() => routes().length, 100);
    expect(host.problems).toEqual([]);
  });

  test('of a host endpoint says how that is', async () => {
    host.update(put(hostEndpoint('hep', { interfaceName: 'up0' })));
    await until(status('hep'), 'down');
    sh('ip link add up0 type veth peer name p-up0; ip link set p-up0 up; ip link set up0 up');
    await until(status('hep'), 'up');
    host.update(put(hostEndpoint('hep', { interfaceName: '', expectedIps: [ip('172.30.9.1')] })));
    await until(status('hep'), 'down');
    sh('ip addr add 172.30.9.1/24 dev up0');
    await until(status('hep'), 'up');
    host.update(put(hostEndpoint('hep', { interfaceName: '*' })));
    sh('ip link del up0');
    await until(status('hep'), 'up');
    host.update(gone(hostEndpoint('hep')));
    await until(status('hep'), undefined);
  });
});

describe('two endpoints', () => {
  const twin = workload('w2', { ips: ['10.65.0.1/32'] });
  const first = ['10.65.0.1 dev cali-w1 scope link'];
  const loser = /^error\n10\.65\.0\.1\/32 is claimed for cali-w1, too/;

  test.each(['first', 'last'])(
    'with one address: the same has it, whichever comes %s, and after a restart',
    async (when) => {
      const one = workload('w1', { ips: ['10.65.0.1/32'] });
      plug('cali-w1', 'cali-w2');
      const order = when === 'first' ? [one, twin] : [twin, one];
      for (const endpoint of order) {
        host.update(put(endpoint));
        await until(() => host.statuses.has(endpoint.id.name), true);
      }
      await until(() => [status('w1')(), loser.test(`${status('w2')()}`)], ['up', true]);
      expect(routes()).toEqual(first);
      await restart();
      await until(() => [status('w1')(), loser.test(`${status('w2')()}`)], ['up', true]);
      expect(routes()).toEqual(first);
      // Whoever has no interface does not have it; and all is told again when it is back.
      sh('ip link del cali-w1');
      await until(routes, ['10.65.0.1 dev cali-w2 scope link']);
      await until(() => [status('w1')()?.split('\n')[0], status('w2')()], ['error', 'up']);
      plug('cali-w1');
      await until(routes, first);
      await until(() => [status('w1')(), loser.test(`${status('w2')()}`)], ['up', true]);
    },
  );

  test('with one interface: it is that of the first by name, the other is told so', async () => {
    plug('cali-w1');
    const other = workload('w0', { ips: ['10.65.0.9/32'], interfaceName: 'cali-w1' });
    host.update(put(w1));
    await until(status('w1'), 'up');
    host.update(put(other));
    await until(
      () => [status('w0')(), status('w1')()],
      ['up', 'error\ninterface cali-w1 is that of WorkloadEndpoint default/w0'],
    );
    host.update(gone(other));
    await until(status('w1'), 'up');
    await until(routes, BOTH);
  });
});

describe('routes of others on a workload’s interface', () => {
  const foreign = '10.77.0.0/24 dev cali-w1 proto static scope link';

  test('stay for a while after the start, and go then', async () => {
    plug('cali-w1');
    sh('ip route add 10.77.0.0/24 dev cali-w1 proto static');
    graph.onUpdates([put(w1)]);
    await restart({}, 1000);
    await until(status('w1'), 'up');
    expect(routes()).toContain(foreign);
    await until(routes, BOTH);
    sh('ip route add 10.77.0.0/24 dev cali-w1 proto static');
    await until(routes, BOTH);
  });

  test('stay where they are to be let alone, but for those that look like ours', async () => {
    plug('cali-w1');
    graph.onUpdates([put(w1)]);
    await restart({ removeExternalRoutes: false, routeProtocol: 80 }, 0);
    await until(status('w1'), 'up');
    sh('ip route add 10.77.0.0/24 dev cali-w1 proto static; ip route add 10.78.0.0/24 dev cali-w1 proto 80');
    await until(() => routes().some((line) => line.startsWith('10.78')), false);
    expect(routes()).toContain(foreign);
    expect(routes()).toContain('10.65.0.1 dev cali-w1 proto 80 scope link');
  });
});

test('a route that the kernel refuses is named in the status of its endpoint, until it is taken', async () => {
  plug('cali-w1', 'cali-w2');
  graph.onUpdates([put(w1), put(workload('w2', { ips: ['fd00:65::2/128'] }))]);
  await restart({ routeSources: { 4: ip('172.30.8.8') } });
  await until(() => /^error\n10\.65\.0\.1\/32: cannot add the route: EINVAL/.test(`${status('w1')()}`), true);
  await until(status('w2'), 'up');
  sh('ip link add up0 type bridge; ip addr add 172.30.8.8/24 dev up0; ip link set up0 up');
  await until(status('w1'), 'up');
  expect(routes()).toContain('10.65.0.1 dev cali-w1 scope link src 172.30.8.8');
});
