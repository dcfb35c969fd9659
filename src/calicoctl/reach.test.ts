import { beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Terminal, terminal } from './testing/terminal.ts';

const resource = (kind: string, name: string, spec: object) =>
  stringify({ apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec });
const NO_MESH = resource('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
const TOR = resource('BGPPeer', 'tor', { peerIP: '10.1.0.254', asNumber: 65500 });

let at: Terminal;
const write = (verb: string, text: string, ...options: string[]) => at.call([verb, '-f', '-', ...options], text);

beforeEach(async () => {
  at = terminal({ NODENAME: 'h1' });
  for (const [name, last] of [
    ['h1', 1],
    ['h2', 2],
  ] as const)
    await write('create', resource('Node', name, { bgp: { ipv4Address: `10.1.0.${last}/24` } }));
});

it('what would take this host its last session is refused, and nothing is written', async () => {
  const refused = await write('apply', NO_MESH);
  expect(refused.exit).toBe(1);
  expect(refused.out).toBe(
    'E_REFUSED Node h1: this host would have no BGP session left; it has 1 (with --force it is done all the same)\n',
  );
  expect((await at.call(['get', 'bgpconfig', 'default'])).exit).toBe(1);
  expect((await write('apply', NO_MESH, '--force')).exit).toBe(0);
});

it('not when the same file brings another, or it had none', async () => {
  expect((await write('apply', `${NO_MESH}---\n${TOR}`)).exit).toBe(0);
  const refused = await at.call(['delete', 'bgppeer', 'tor']);
  expect(refused.out).toContain('E_REFUSED');
  expect((await at.call(['delete', 'bgppeer', 'tor', '--force'])).exit).toBe(0);
  expect((await write('apply', NO_MESH)).exit).toBe(0);
});

it('patches; filters that are not there; nodes', async () => {
  await write('apply', `${NO_MESH}---\n${TOR}`);
  const patch = (kind: string, name: string, spec: object) =>
    at.call(['patch', kind, name, '-p', JSON.stringify({ spec })]);
  expect((await patch('bgppeer', 'tor', { nodeSelector: "rack == 'x'" })).out).toContain('E_REFUSED');
  expect((await patch('bgppeer', 'tor', { filters: ['nosuch'] })).exit).toBe(1);
  expect((await patch('bgppeer', 'tor', { keepaliveTime: '10s' })).exit).toBe(0);
  expect((await at.call(['delete', 'node', 'h1'])).exit).toBe(0);
});

it('another host’s sessions are no business of this one', async () => {
  at = terminal({ NODENAME: 'elsewhere' });
  await write('create', resource('Node', 'h1', { bgp: { ipv4Address: '10.1.0.1/24' } }));
  await write('create', resource('Node', 'h2', { bgp: { ipv4Address: '10.1.0.2/24' } }));
  expect((await write('apply', NO_MESH)).exit).toBe(0);
});

it('a plan for reflectors is applied as it is printed', async () => {
  const { out, exit } = await at.call(['bgp', 'plan-reflectors', '1']);
  expect(exit).toBe(0);
  const [reflectors = '', ...text] = out.split('\n');
  expect(reflectors).toBe('reflectors: h1');
  expect((await write('apply', text.join('\n'))).out).toBe('Successfully applied 3 resource(s)\n');
  expect((await at.call(['bgp', 'plan-reflectors', '3'])).out).toContain(
    'E_USAGE plan-reflectors: needs a number from 1 to 2',
  );
});
