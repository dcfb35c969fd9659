import { beforeEach, expect, test } from 'vitest';
import type { LinkListener, LinkTable } from '../drivers/links/index.ts';
import type { Link } from '../kernel/index.ts';
import { type Ip, ip } from '../net/index.ts';
import { HostMtu, type MtuRule } from './host-mtu.ts';

const links = new Map<string, Link>();
const addresses = new Map<Ip, string>();
let listener: LinkListener;
let changes: number;
let warnings: string[];
let mtu: HostMtu;

const table = {
  onLink: (one: LinkListener) => {
    listener = one;
  },
  links: () => links.values(),
  byAddress: (address: Ip) => links.get(addresses.get(address) ?? ''),
} as unknown as LinkTable;

function set(name: string, value: number): void {
  const before = links.get(name) ?? null;
  const after = { name, index: [...name].reduce((sum, c) => sum + c.charCodeAt(0), 0), mtu: value } as Link;
  links.set(name, after);
  listener(before, after);
}

beforeEach(() => {
  links.clear();
  addresses.clear();
  changes = 0;
  warnings = [];
  const log = { warn: (_: object, text: string) => void warnings.push(text) };
  mtu = new HostMtu(table, /^eth/, log, () => changes++);
});

test('the smallest of the interfaces towards others; those of workloads do not count', () => {
  const within = (rule: MtuRule) => mtu.within(rule, 50, 'vxlan.calico');
  expect(within({})).toBe(1450);
  set('eth0', 9000);
  set('eth1', 1400);
  set('cali1', 500);
  expect([within({}), within({ most: 1300 }), within({ most: 1440 })]).toEqual([1350, 1300, 1350]);
  expect(changes).toBe(2);
  expect([within({ exactly: 8000 }), within({ exactly: 8000 })]).toEqual([8000, 8000]);
  expect(warnings).toEqual(["the configured MTU, 8000, is more than this host's interfaces can carry: 1350"]);
});

test('an interface with the host’s address counts, whatever its name', () => {
  set('bond0', 1300);
  addresses.set(ip('192.0.2.1'), 'bond0');
  const within = () => mtu.within({}, 20, 'tunl0');
  expect(within()).toBe(1480);
  mtu.setAddresses([ip('192.0.2.1')]);
  expect(within()).toBe(1280);
  expect(changes).toBe(1);
  set('bond0', 1200);
  expect(changes).toBe(2);
});
