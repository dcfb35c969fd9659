import { describe, expect, test } from 'vitest';
import { Ipam } from '../../ipam/index.ts';
import { ip } from '../../net/index.ts';
import type { Terminal } from '../testing/terminal.ts';
import { cluster, putResource } from './testing.ts';

describe('ipam migrate', () => {
  async function twoPools(): Promise<Terminal> {
    const calicoctl = await cluster();
    await putResource(calicoctl, 'ippools/q', { kind: 'IPPool', spec: { cidr: '10.1.0.0/24', blockSize: 29 } });
    return calicoctl;
  }

  test('--plan names every workload, and does nothing', async () => {
    const calicoctl = await twoPools();
    const { exit, out } = await calicoctl.call(['ipam', 'migrate', 'p', 'q', '--plan']);
    expect(exit).toBe(0);
    expect(out).toContain('  1. disable p: nothing new is given of it (now)\n');
    expect(out).toContain('make the workload d/n1-k8s-alive-eth0 on n1 anew: it has 10.0.0.1\n');
    expect(out).toContain('look into 10.0.0.2, which nobody seems to use');
    expect((await calicoctl.call(['get', 'ippool', 'p', '-o', 'yaml'])).out).not.toContain('disabled: true');
  });

  test('goes on where it stands, to the end', async () => {
    const calicoctl = await twoPools();
    expect((await calicoctl.call(['ipam', 'migrate', 'p', 'q'])).out).toContain('Done: disable p');
    expect((await calicoctl.call(['get', 'ippool', 'p', '-o', 'yaml'])).out).toContain('disabled: true');
    await new Ipam(calicoctl.store).release([ip('10.0.0.1'), ip('10.0.0.2')]);
    expect((await calicoctl.call(['ipam', 'migrate', 'p', 'q'])).out).toContain('Done: delete p');
    expect((await calicoctl.call(['get', 'ippool', 'p'])).exit).toBe(1);
    expect((await calicoctl.store.list('/calico/ipam/v2/')).items).toEqual([]);
  });

  test('a pool that nobody uses goes in one call', async () => {
    const calicoctl = await twoPools();
    expect((await calicoctl.call(['ipam', 'migrate', 'q', 'p'])).out).toMatch(
      /Done: disable q[\s\S]*Done: delete q\n$/,
    );
    expect((await calicoctl.call(['get', 'ippool', 'q'])).exit).toBe(1);
  });

  test.each([
    [['p', 'none'], 'E_NOT_FOUND'],
    [['p', 'p'], 'E_REFUSED'],
    [['p'], 'E_USAGE'],
  ])('%j: %s', async (args, code) => {
    const { exit, out } = await (await twoPools()).call(['ipam', 'migrate', ...args]);
    expect([exit, out.trim().split('\n').at(-1)?.split(' ')[0]]).toEqual([1, code]);
  });
});
