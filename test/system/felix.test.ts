/** The whole agent against a real etcd and kernel: what it says about itself, and what it leaves when it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/datastore/client.ts';
import { configFromEnvironment } from '../../src/datastore/config.ts';
import { connect } from '../../src/datastore/index.ts';
import { Etcd, ready } from './datastore-etcd.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

enterOwnNamespace();

const resource = (kind: string, metadata: object, spec: object) =>
  ({ apiVersion: 'projectcalico.org/v3', kind, metadata, spec }) as Parameters<Client['create']>[0];

/** Changes of the configuration, one right after the other. */
const BURST = 40;

const etcd = new Etcd();
let client: Client;
let felix: ChildProcess | undefined;

function start(environment: Record<string, string> = {}): Promise<number | null> {
  const child = spawn(process.execPath, ['src/felix/main.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ETCD_ENDPOINTS: etcd.endpoint,
      FELIX_FELIXHOSTNAME: 'h1',
      FELIX_HEALTHENABLED: 'true',
      FELIX_HEALTHHOST: '127.0.0.1',
      FELIX_PROMETHEUSMETRICSENABLED: 'true',
      FELIX_IPTABLESBACKEND: 'legacy',
      FELIX_LOGSEVERITYSCREEN: 'fatal',
      FELIX_LOGFILEPATH: 'none',
      ...environment,
    },
  });
  felix = child;
  return new Promise((resolve) => child.once('exit', resolve));
}

/** Null when nobody listens. */
async function ask(path: string, port = 9099): Promise<{ status: number; text: string } | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it does not come about');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const isReady = async (): Promise<boolean> => (await ask('/readiness'))?.status === 204;

/** Rules without counters and comments. */
const kernel = (): string =>
  sh('iptables-legacy-save; ip6tables-legacy-save; ipset save | sort; ip route; ip -6 route')
    .replace(/^#.*\n/gm, '')
    .replace(/\[\d+:\d+\]/g, '');

async function metric(name: string): Promise<number> {
  const text = (await ask('/metrics', 9091))?.text ?? '';
  const values = text.split('\n').filter((line) => line.startsWith(name));
  expect(values, name).not.toHaveLength(0);
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

beforeAll(async () => {
  sh('ip link add cali1 type veth peer name peer1; ip link set cali1 up; ip link set peer1 up');
  await etcd.start();
  await ready(etcd);
  client = await connect(configFromEnvironment({ ETCD_ENDPOINTS: etcd.endpoint }));
});

afterAll(async () => {
  felix?.kill('SIGKILL');
  await client?.store.close();
  await etcd.remove();
});

describe('calico-felix', () => {
  it('is alive but not ready while the datastore is not', async () => {
    await client.create(resource('ClusterInformation', { name: 'default' }, { datastoreReady: false }));
    const ended = start();
    await until(async () => (await ask('/liveness'))?.status === 204);
    expect(await ask('/readiness')).toMatchObject({ status: 503, text: expect.stringContaining('datastore') });
    expect(kernel()).not.toContain('cali-');
    felix?.kill('SIGTERM');
    expect(await ended).toBe(0);
    const information = await client.get('ClusterInformation', 'default');
    await client.update({ ...information, spec: { ...information.spec, datastoreReady: true } });
  });

  it('programs the kernel, says when it is ready, and counts', async () => {
    const rule = { action: 'Allow', protocol: 'TCP', destination: { ports: [80] } };
    await client.create(resource('GlobalNetworkPolicy', { name: 'web' }, { selector: 'all()', ingress: [rule] }));
    await client.create(
      resource(
        'WorkloadEndpoint',
        { name: 'h1-lab-w1-eth0', namespace: 'default' },
        {
          node: 'h1',
          orchestrator: 'lab',
          workload: 'w1',
          endpoint: 'eth0',
          interfaceName: 'cali1',
          ipNetworks: ['10.65.0.1/32', 'fd00:65::1/128'],
        },
      ),
    );
    void start();
    await until(isReady);
    expect(sh('ip route')).toContain('10.65.0.1 dev cali1');
    expect(sh('ip -6 route')).toContain('fd00:65::1 dev cali1');
    expect(sh('iptables-legacy -S cali-pi-default.web')).toContain('--dports 80');
    expect(sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/cali1/proxy_arp').split('\n')).toEqual([
      '1',
      '1',
      '',
    ]);
    expect(await metric('felix_active_local_endpoints')).toBe(1);
    expect(await metric('felix_active_local_policies')).toBe(1);
    expect(await metric('felix_resync_state')).toBe(3);
    expect(await metric('felix_iptables_rules{ip_version="4",table="filter"}')).toBe(
      sh('iptables-legacy-save -t filter').match(/^-A cali-/gm)?.length,
    );
  });

  it('leaves everything when it is killed, and writes nothing when it starts again', async () => {
    const before = kernel();
    felix?.kill('SIGKILL');
    await until(async () => (await ask('/liveness')) === null);
    expect(kernel()).toBe(before);
    void start();
    await until(isReady);
    expect(kernel()).toBe(before);
    expect(await metric('felix_iptables_restore_calls')).toBe(0);
    // Those of the other backend are read to see whether anything of ours is there.
    expect(await metric('felix_iptables_save_calls')).toBe(4);
  });

  it('puts a deleted route back at once', async () => {
    sh('ip route del 10.65.0.1 dev cali1');
    await until(async () => sh('ip route').includes('10.65.0.1 dev cali1'));
  });

  it('puts a changed configuration in force, changes that come in a burst many at a time', async () => {
    const restores = () => metric('felix_iptables_restore_calls');
    const configuration = await client.create(
      resource('FelixConfiguration', { name: 'default' }, { defaultEndpointToHostAction: 'Return' }),
    );
    await until(async () => sh('iptables-legacy -S cali-wl-to-host').includes('-j RETURN'));
    const before = await restores();
    let last = configuration;
    for (let change = 0; change < BURST; change++) {
      last = await client.update({ ...last, spec: { logPrefix: `${change}`, defaultEndpointToHostAction: 'Return' } });
    }
    await client.update({ ...last, spec: { defaultEndpointToHostAction: 'Accept' } });
    await until(async () => sh('iptables-legacy -S cali-wl-to-host').includes('-j ACCEPT'));
    // How many come together depends on how fast the datastore takes them; each by itself would be a restore or two.
    expect((await restores()) - before).toBeLessThan(BURST / 2);
  });

  it('serves metadata from where a host name leads', async () => {
    const rules = () => sh('iptables-legacy -t nat -S');
    const spec = { interfacePrefix: 'cali,tap', metadataAddr: 'localhost' };
    const change = async (changed: object) => {
      const found = await client.get('FelixConfiguration', 'default');
      await client.update({ ...found, spec: changed } as Parameters<Client['update']>[0]);
    };
    await change(spec);
    await until(async () => rules().includes('--to-destination 127.0.0.1:8775'));
    await change({ ...spec, metadataAddr: 'no.such.host.invalid' });
    await until(async () => !rules().includes('--to-destination'));
    await change({ ...spec, metadataAddr: '192.0.2.1' });
    await until(async () => rules().includes('--to-destination 192.0.2.1:8775'));
    await change({ defaultEndpointToHostAction: 'Accept' });
    await until(async () => sh('iptables-legacy -S cali-wl-to-host').includes('-j ACCEPT'));
  });

  it('ends with 0 when it is told to, and the kernel stays', async () => {
    const ended = new Promise((resolve) => felix?.once('exit', resolve));
    felix?.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(sh('iptables-legacy -S cali-wl-to-host')).toContain('-j ACCEPT');
  });

  it('takes the place of one with another backend, without a moment without rules', async () => {
    void start({ FELIX_IPTABLESBACKEND: 'nft' });
    await until(isReady);
    expect(sh('iptables-nft -S cali-wl-to-host')).toContain('-j ACCEPT');
    await until(async () => !sh('iptables-legacy-save; ip6tables-legacy-save').includes('cali'));
    felix?.kill('SIGTERM');
    await until(async () => !(await ask('/liveness')));
  });

  it('does not start with a configuration that is refused', async () => {
    expect(await start({ FELIX_IPTABLESMARKMASK: '1' })).toBe(1);
    expect(await start({ FELIX_DATASTORETYPE: 'none' })).toBe(1);
    expect(sh('iptables-nft -S cali-wl-to-host')).toContain('-j ACCEPT');
  });

  it('takes back what it gave when the workload goes', async () => {
    void start();
    await until(isReady);
    await client.delete('WorkloadEndpoint', 'h1-lab-w1-eth0', 'default');
    await until(
      async () => !sh('ip route; ip -6 route; iptables-legacy-save').match(/65[.:]+0?\.?1 dev|cali-tw-cali1/),
    );
    expect(sh('iptables-legacy-save; ipset list -n')).not.toMatch(/cali-pi-|cali40s:/);
  });
});
