import { describe, expect, test } from 'vitest';
import { type Terminal, terminal } from '../testing/terminal.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org/';
const BLOCKS = '/calico/ipam/v2/assignment/';

async function put(calicoctl: Terminal, key: string, value: unknown): Promise<void> {
  await calicoctl.store.put(key, typeof value === 'string' ? value : JSON.stringify(value));
}

function pool(calicoctl: Terminal, name: string, cidr: string, more: Record<string, unknown> = {}): Promise<void> {
  return put(calicoctl, `${RESOURCES}ippools/${name}`, { kind: 'IPPool', metadata: { name }, spec: { cidr, ...more } });
}

/** The first addresses of the block are given, each with the attributes. */
function block(
  calicoctl: Terminal,
  cidr: string,
  affinity: string | null,
  attributes: readonly unknown[],
): Promise<void> {
  const size = cidr.includes(':') ? 2 ** (128 - Number(cidr.split('/')[1])) : 2 ** (32 - Number(cidr.split('/')[1]));
  const ordinals = [...new Array(size).keys()];
  return put(calicoctl, `${BLOCKS}ipv${cidr.includes(':') ? 6 : 4}/block/${cidr.replace('/', '-')}`, {
    cidr,
    affinity,
    allocations: ordinals.map((i) => (i < attributes.length ? i : null)),
    unallocated: ordinals.slice(attributes.length),
    attributes: attributes.map((secondary, i) => ({ handle_id: `h${i}`, secondary })),
    deleted: false,
  });
}

async function shown(calicoctl: Terminal, ...args: string[]): Promise<string[][]> {
  const { exit, out } = await calicoctl.call(['ipam', 'show', ...args]);
  expect(exit).toBe(0);
  return out
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

describe('ipam show', () => {
  test('blocks that are in no pool come last, and only with --show-blocks; disabled pools count', async () => {
    const calicoctl = terminal();
    await pool(calicoctl, 'b', '10.1.0.0/24', { disabled: true });
    await pool(calicoctl, 'a', '10.2.0.0/24');
    await block(calicoctl, '10.0.0.0/29', 'host:n1', [{}]);
    await block(calicoctl, '10.1.0.0/29', 'host:n1', [{}, {}]);
    await block(calicoctl, 'fd00::/122', null, [{}]);
    expect((await shown(calicoctl)).slice(1)).toEqual([
      ['IP Pool', '10.2.0.0/24', '256', '0 (0%)', '256 (100%)'],
      ['IP Pool', '10.1.0.0/24', '256', '2 (1%)', '254 (99%)'],
    ]);
    expect((await shown(calicoctl, '--show-blocks')).slice(1)).toEqual([
      ['IP Pool', '10.2.0.0/24', '256', '0 (0%)', '256 (100%)'],
      ['IP Pool', '10.1.0.0/24', '256', '2 (1%)', '254 (99%)'],
      ['Block', '10.1.0.0/29', '8', '2 (25%)', '6 (75%)'],
      ['Block', '10.0.0.0/29', '8', '1 (12%)', '7 (88%)'],
      ['Block', 'fd00::/122', '64', '1 (2%)', '63 (98%)'],
    ]);
  });

  test('what is reserved has a column where anything is; an address is counted once', async () => {
    const calicoctl = terminal();
    await pool(calicoctl, 'p', '10.0.0.0/28');
    await block(calicoctl, '10.0.0.0/29', 'host:n1', [{}, {}]);
    const reserved = { spec: { reservedCIDRs: ['10.0.0.0/30', '10.0.0.1', '10.0.0.12/31', '10.9.0.0/16'] } };
    await put(calicoctl, `${RESOURCES}ipreservations/r`, reserved);
    expect(await shown(calicoctl, '--show-blocks')).toEqual([
      ['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', 'IPS RESERVED', 'IPS FREE'],
      ['IP Pool', '10.0.0.0/28', '16', '2 (12%)', '6 (38%)', '10 (62%)'],
      ['Block', '10.0.0.0/29', '8', '2 (25%)', '4 (50%)', '4 (50%)'],
    ]);
  });

  test('a block that cannot be read is told of and left out', async () => {
    const calicoctl = terminal();
    await block(calicoctl, '10.0.0.0/29', 'host:n1', [{}]);
    await put(calicoctl, `${BLOCKS}ipv4/block/10.0.0.8-29`, '{"cidr":');
    const { exit, out } = await calicoctl.call(['ipam', 'show', '--show-blocks']);
    expect(exit).toBe(0);
    expect(out).toContain(`E_DATASTORE ${BLOCKS}ipv4/block/10.0.0.8-29: `);
    expect(out).toContain('| 10.0.0.0/29 |');
  });
});

test('ipam show --show-borrowed: pods, tunnels, blocks of nobody', async () => {
  const calicoctl = terminal();
  await block(calicoctl, '10.0.0.0/29', 'host:n1', [
    { node: 'n1', pod: 'a' },
    { node: 'n2', pod: 'p', namespace: 'd' },
    { node: 'n2', type: 'vxlanTunnelAddress' },
    { node: 'n2' },
  ]);
  await block(calicoctl, '10.0.0.8/29', null, [{ node: 'n1', pod: 'q', namespace: 'e' }]);
  expect((await shown(calicoctl, '--show-borrowed')).slice(1)).toEqual([
    ['10.0.0.1', 'n2', '10.0.0.0/29', 'n1', 'pod', 'd/p'],
    ['10.0.0.2', 'n2', '10.0.0.0/29', 'n1', 'vxlanTunnelAddress', ''],
    ['10.0.0.3', 'n2', '10.0.0.0/29', 'n1', '', ''],
    ['10.0.0.8', 'n1', '10.0.0.8/29', '', 'pod', 'e/q'],
  ]);
});

describe('ipam show --ip', () => {
  test('attributes, sorted; any spelling of the address', async () => {
    const calicoctl = terminal();
    await block(calicoctl, 'fd00::/122', 'host:n1', [{ pod: 'p', namespace: 'd', node: 'n1' }]);
    expect(await calicoctl.call(['ipam', 'show', '--ip=FD00:0:0::0'])).toEqual({
      exit: 0,
      out: 'IP fd00:: is in use\nAttributes:\n  namespace: d\n  node: n1\n  pod: p\n',
    });
  });

  test.each([['bad'], ['10.0.0.0/24'], ['10.0.0.256'], ['']])('%j is no address', async (address) => {
    expect(await terminal().call(['ipam', 'show', `--ip=${address}`])).toMatchObject({
      exit: 1,
      out: expect.stringContaining('E_USAGE --ip: invalid IP address specified'),
    });
  });
});

test.each([
  ['--ip=10.0.0.1', '--show-blocks'],
  ['--show-blocks', '--show-borrowed'],
  ['--show-borrowed', '--show-configuration'],
  ['--show-configuration', '--ip=10.0.0.1'],
  ['--ip'],
  ['--bogus'],
  ['extra'],
])('ipam show %s %s is refused', async (...args) => {
  expect(await terminal().call(['ipam', 'show', ...args.filter((arg) => arg !== undefined)])).toMatchObject({
    exit: 1,
    out: expect.stringMatching(/^E_USAGE .*\n$/),
  });
});
