import { beforeEach, expect, test } from 'vitest';
import type { RemoteRoute, Way } from '../calc/index.ts';
import type { LinkTable } from '../drivers/links/index.ts';
import { type Route, routeKey } from '../drivers/routes/index.ts';
import { cidr, ip } from '../net/index.ts';
import { Claims } from './claims.ts';
import { type Exit, RoutesToHosts } from './routes-to-hosts.ts';

const DST = cidr('10.80.2.0/26');
const by = (way: Way): RemoteRoute => ({ dst: DST, way, gateway: ip('172.30.0.12') });

let running: Set<string>;
let exits: Record<'ipip' | 'vxlan', Exit | 'never' | 'later'>;
/** What was asked for, in order. */
let asked: string[];
let routes: RoutesToHosts;

beforeEach(() => {
  running = new Set(['eth0', 'tunl0', 'vxlan.calico']);
  const exit = (device: string): Exit => ({ device, route: { protocol: 80 } });
  exits = { ipip: exit('tunl0'), vxlan: exit('vxlan.calico') };
  asked = [];
  const target = {
    setDesired: ({ dst, device }: Route) => void asked.push(`${dst} by ${device}`),
    removeDesired: ({ dst }: Route) => void asked.push(`no ${dst}`),
  };
  const links = {
    byName: (name: string) => ({ name, running: running.has(name) }),
    byAddress: () => ({ name: 'eth0' }),
  } as unknown as LinkTable;
  routes = new RoutesToHosts(new Claims<Route>(target, routeKey), links, { exit: (way) => exits[way] });
  routes.setAddress(ip('172.30.0.11'));
});

function round(): string[] {
  routes.settle();
  routes.open();
  return asked.splice(0);
}

test('a route comes, goes another way in its place, and goes', () => {
  routes.setRoute(by('ipip'));
  expect(round()).toEqual([`${DST} by tunl0`]);
  routes.setRoute(by('direct'));
  expect(round()).toEqual([`${DST} by eth0`]);
  routes.removeRoute(DST);
  expect(round()).toEqual([`no ${DST}`]);
});

test('it stays where it is until the new device runs', () => {
  routes.setRoute(by('ipip'));
  round();
  running.delete('vxlan.calico');
  routes.setRoute(by('vxlan'));
  expect(round()).toEqual([]);
  running.add('vxlan.calico');
  expect(round()).toEqual([`${DST} by vxlan.calico`]);
});

test('… and until others can be sent such packets', () => {
  routes.setRoute(by('vxlan'));
  round();
  exits.ipip = 'later';
  routes.setRoute(by('ipip'));
  expect(round()).toEqual([]);
  exits.ipip = { device: 'tunl0', route: {} };
  expect(round()).toEqual([`${DST} by tunl0`]);
});

test('an encapsulation that is off has no routes', () => {
  routes.setRoute(by('ipip'));
  round();
  exits.ipip = 'never';
  routes.onWays();
  expect(round()).toEqual([`no ${DST}`]);
  routes.removeRoute(DST);
  expect(round()).toEqual([]);
});
