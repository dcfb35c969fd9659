import { expect, test } from 'vitest';
import { terminal } from '../testing/terminal.ts';

const dryrun = async (...argv: string[]) => {
  const { exit, out } = await terminal().call(['node', 'run', '--dryrun', ...argv]);
  expect(exit).toBe(0);
  const [, ...words] = out.trim().split(' ');
  const at = words.findIndex((word) => word.startsWith('/'));
  return { env: words.slice(0, at), command: words.slice(at).map((word) => word.replace(/.*\/bin\//, '')) };
};

test('options become the environment of calico-node', async () => {
  const { env, command } = await dryrun(
    '--ip=autodetect',
    '--ip6',
    'fd00::1',
    '--as',
    '65001',
    '--name=n1',
    '--felix-config=f',
  );
  expect(env).toEqual([
    'NODENAME=n1',
    'AS=65001',
    'IP=autodetect',
    'IP6=fd00::1',
    'CALICO_NETWORKING_BACKEND=bird',
    'CALICO_IPV4POOL_IPIP=Always',
    'ETCD_ENDPOINTS=http://nowhere:2379',
  ]);
  expect(command).toEqual(['calico-node', '--felix-config', '/f']);
});

test('a first pool is encapsulated only where there will be one, and BGP', async () => {
  for (const argv of [['--no-default-ippools'], ['--backend=none'], ['--backend=vxlan']])
    expect((await dryrun(...argv)).env).not.toContain('CALICO_IPV4POOL_IPIP=Always');
  expect((await dryrun('--no-default-ippools')).env).toContain('NO_DEFAULT_POOLS=true');
});

test('what a shell would take apart is quoted', async () => {
  const { out } = await terminal().call([
    'node',
    'run',
    '--dryrun',
    '--ip-autodetection-method',
    'interface=(eth|en).*',
  ]);
  expect(out).toContain("'IP_AUTODETECTION_METHOD=interface=(eth|en).*'");
});

test('a backend that is none', async () => {
  expect((await terminal().call(['node', 'run', '--backend=gobgp'])).exit).toBe(1);
});
