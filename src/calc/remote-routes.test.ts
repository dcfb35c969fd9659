import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Update } from '../model/index.ts';
import { ip } from '../net/index.ts';
import { Host } from './testing/host.ts';
import { block, gone, node, pool, put, workload } from './testing/resources.ts';
import { tunnelMac } from './vtep.ts';

const h1 = node('h1', '172.30.0.11/24', '10.80.1.0');
const h2 = node('h2', '172.30.0.12/24', '10.80.2.0');
const h3 = node('h3', '172.31.0.13/24', '10.80.3.0');
const always = pool('10.80.0.0/16', { vxlan: 'always' });
const cross = pool('10.80.0.0/16', { vxlan: 'cross-subnet' });
const b1 = block('10.80.1.0/26', 'h1');
const b2 = block('10.80.2.0/26', 'h2');
const b3 = block('10.80.3.0/26', 'h3');

const SUFFIX = { vxlan: '', ipip: ' by IP-in-IP', direct: ' directly' };

/** `10.80.2.0/26 via 10.80.2.0`, with `directly` where it is not encapsulated. */
function routes({ state }: Host): string[] {
  const text = [...state.routes.values()].map(({ dst, gateway, way }) => `${dst} via ${gateway}${SUFFIX[way]}`);
  return text.sort();
}

function hostWith(...values: Parameters<Host['put']>): Host {
  const host = new Host();
  host.put(...values);
  return host;
}

describe('from blocks', () => {
  test('to other hosts’ blocks through their end of the tunnel, not to our own', () => {
    const host = hostWith(always, h1, h2, h3, b1, b2, b3);
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0', '10.80.3.0/26 via 10.80.3.0']);
    host.delete(b3);
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0']);
    host.put(block('10.80.2.0/26', 'h3'));
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.3.0']);
    expect(host.delete(h3).map(({ type }) => type)).toEqual(['node-gone', 'route-gone', 'vtep-gone']);
    expect(routes(host)).toEqual([]);
  });

  test('a borrowed address has its own route, but where it is here', () => {
    const lent = block('10.80.1.0/26', 'h1', { '10.80.1.9': 'h2', '10.80.1.10': 'h3' });
    const borrowed = block('10.80.2.0/26', 'h2', { '10.80.2.7': 'h1' });
    const host = hostWith(always, h1, h2, h3, lent, borrowed);
    expect(routes(host)).toEqual([
      '10.80.1.10/32 via 10.80.3.0',
      '10.80.1.9/32 via 10.80.2.0',
      '10.80.2.0/26 via 10.80.2.0',
    ]);
  });

  test('within the subnet of this node a cross-subnet pool needs no tunnel', () => {
    const host = hostWith(cross, h1, h2, h3, b2, b3);
    expect(routes(host)).toEqual(['10.80.2.0/26 via 172.30.0.12 directly', '10.80.3.0/26 via 10.80.3.0']);
    host.put(node('h1', '172.31.0.11/24', '10.80.1.0'));
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0', '10.80.3.0/26 via 172.31.0.13 directly']);
    host.put(node('h1', '172.31.0.11', '10.80.1.0'));
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0', '10.80.3.0/26 via 10.80.3.0']);
  });

  test('only where the pool says VXLAN: the smallest that holds it', () => {
    const host = hostWith(h1, h2, b2);
    expect(routes(host)).toEqual([]);
    host.put(always);
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0']);
    host.put(pool('10.80.2.0/24'));
    expect(routes(host)).toEqual([]);
    host.delete(pool('10.80.2.0/24'));
    host.put(pool('10.80.0.0/16', { vxlan: 'always', disabled: true }));
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0']);
    host.delete(always);
    expect(routes(host)).toEqual([]);
  });

  test('a node without tunnel address has no routes, and gets them with it', () => {
    const host = hostWith(always, h1, node('h2', '172.30.0.12/24'), b2);
    expect(routes(host)).toEqual([]);
    expect(host.put(h2).map(({ type }) => type)).toEqual(['node', 'vtep', 'route']);
    expect(host.put(node('h2', '172.30.0.99/24', '10.80.2.63')).map(({ type }) => type)).toEqual([
      'node',
      'vtep',
      'route',
    ]);
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.63']);
  });

  test('IPv6 alike', () => {
    const six = { ipv6: ip('fd00:30::12'), ipv6VxlanTunnel: ip('fd00:80::'), vxlanTunnelMacV6: '66:00:00:00:00:01' };
    const host = hostWith(pool('fd00:80::/48', { vxlan: 'always' }), block('fd00:80::/122', 'h2'));
    host.put(node('h2', '172.30.0.12/24', '10.80.2.0', six));
    expect(routes(host)).toEqual(['fd00:80::/122 via fd00:80::']);
    expect([...host.state.vteps.values()].map(({ family, mac }) => [family, mac])).toEqual([
      [4, '66:bf:1c:36:57:41'],
      [6, '66:00:00:00:00:01'],
    ]);
  });

  test('a change costs what it touches', () => {
    const host = hostWith(always, h1, h2, h3, b1, b2, b3);
    const more = Array.from({ length: 200 }, (_, i) => block(`10.80.${50 + i}.0/26`, 'h3'));
    expect(host.put(...more).length).toBe(200);
    expect(host.put(block('10.80.60.64/26', 'h2')).length).toBe(1);
    expect(host.put(b2)).toEqual([]);
    expect(host.put(node('h2', '172.30.0.12/24', '10.80.2.0', { labels: { a: 'b' } })).map(({ type }) => type)).toEqual(
      ['node'],
    );
  });
});

describe('by IP-in-IP', () => {
  const ipip = pool('10.80.0.0/16', { ipip: 'always' });
  const w = (name: string, at: string, address: string) => workload(name, { node: at, ips: [address] });

  test('to the hosts themselves, also those that have no end of a tunnel', () => {
    const host = hostWith(ipip, h1, node('h2', '172.30.0.12/24'), h3, b1, b2, b3);
    const all = ['10.80.2.0/26 via 172.30.0.12 by IP-in-IP', '10.80.3.0/26 via 172.31.0.13 by IP-in-IP'];
    expect(routes(host)).toEqual(all);
    host.put(pool('10.80.0.0/16', { ipip: 'cross-subnet' }));
    expect(routes(host)).toEqual(['10.80.2.0/26 via 172.30.0.12 directly', all[1]]);
    host.put(always);
    expect(routes(host)).toEqual(['10.80.3.0/26 via 10.80.3.0']);
    host.put(pool('10.80.0.0/16'));
    expect(routes(host)).toEqual([]);
  });

  test('endpoints that have no block, and those that run elsewhere than their block says', () => {
    const host = hostWith(ipip, h1, h2, h3, b1, b2, w('a', 'h2', '10.80.2.9'), w('b', 'h3', '10.80.9.9'));
    const [toBlock, toB] = ['10.80.2.0/26 via 172.30.0.12 by IP-in-IP', '10.80.9.9/32 via 172.31.0.13 by IP-in-IP'];
    expect(routes(host)).toEqual([toBlock, toB]);
    host.put(w('a', 'h3', '10.80.2.9'));
    expect(routes(host)).toEqual([toBlock, '10.80.2.9/32 via 172.31.0.13 by IP-in-IP', toB]);
    host.put(w('a', 'h1', '10.80.2.9'));
    expect(routes(host)).toEqual([toBlock, toB]);
    host.put(w('a', 'h2', '10.80.1.9'));
    expect(routes(host)).toEqual(['10.80.1.9/32 via 172.30.0.12 by IP-in-IP', toBlock, toB]);
    host.put(block('10.80.9.0/26', 'h3'), block('10.80.1.0/26', 'h2'));
    expect(routes(host)).toEqual([
      '10.80.1.0/26 via 172.30.0.12 by IP-in-IP',
      toBlock,
      '10.80.9.0/26 via 172.31.0.13 by IP-in-IP',
    ]);
    host.delete(block('10.80.9.0/26'));
    expect(routes(host)).toEqual(['10.80.1.0/26 via 172.30.0.12 by IP-in-IP', toBlock, toB]);
  });

  test.each(['10.0.0.0/8', '0.0.0.0/0'])(
    'a block as wide as %s is nobody’s way, and costs what there is',
    (wide) => {
      const host = hostWith(ipip, h1, h2, h3, w('a', 'h2', '10.80.9.9'));
      const toA = ['10.80.9.9/32 via 172.30.0.12 by IP-in-IP'];
      for (const at of ['h2', 'h3', 'h1']) {
        host.put(block(wide, at));
        expect(routes(host)).toEqual(toA);
      }
    },
    2000,
  );

  test('other pools have routes from blocks only', () => {
    const host = hostWith(ipip, always, h1, h2, pool('10.81.0.0/16', { ipip: 'always' }), w('a', 'h2', '10.80.9.9'));
    expect(routes(host)).toEqual([]);
  });
});

describe('from endpoints', () => {
  const w2 = workload('w2', { node: 'h2', ips: ['10.80.1.9'] });

  test('their addresses, whoever has the block', () => {
    const host = hostWith(always, h1, h2, b1, b2, w2, workload('w1', { ips: ['10.80.1.5'] }));
    host.graph.setRouteSource('WorkloadIPs');
    host.update();
    expect(routes(host)).toEqual(['10.80.1.9/32 via 10.80.2.0']);
    host.graph.setRouteSource('CalicoIPAM');
    host.update();
    expect(routes(host)).toEqual(['10.80.2.0/26 via 10.80.2.0']);
  });

  test('one that moves belongs to the same host for everybody; what is here is here', () => {
    const host = hostWith(always, h1, h2, h3, workload('later', { node: 'h3', ips: ['10.80.1.9'] }), w2);
    host.graph.setRouteSource('WorkloadIPs');
    host.update();
    expect(routes(host)).toEqual(['10.80.1.9/32 via 10.80.2.0']);
    host.put(workload('here', { ips: ['10.80.1.9'] }));
    expect(routes(host)).toEqual([]);
    host.delete(workload('here'), w2);
    expect(routes(host)).toEqual(['10.80.1.9/32 via 10.80.3.0']);
  });
});

test('an endpoint that cannot be read, and so runs nowhere, takes no address from another', () => {
  const w2 = workload('w2', { node: 'h2', ips: ['10.80.1.9'] });
  const host = hostWith(always, h1, h2, w2, workload('bad', { node: '', ips: ['10.80.1.9'] }));
  host.graph.setRouteSource('WorkloadIPs');
  host.update();
  expect(routes(host)).toEqual(['10.80.1.9/32 via 10.80.2.0']);
});

test('whatever the way, the routes are those of a fresh host', () => {
  const hosts = ['h1', 'h2', 'h3'];
  const host = fc.constantFrom(...hosts);
  const value = fc.oneof(
    fc
      .tuple(
        host,
        fc.constantFrom('172.30.0.7/24', '172.31.0.7/24', '172.30.0.8'),
        fc.constantFrom('10.80.9.0', undefined),
      )
      .map((fields) => node(...fields)),
    fc
      .tuple(
        fc.constantFrom('10.80.0.0/16', '10.80.2.0/24'),
        fc.constantFrom('vxlan', 'ipip'),
        fc.constantFrom('never', 'always', 'cross-subnet'),
      )
      .map(([net, by, when]) => pool(net, { [by]: when })),
    fc
      .tuple(fc.constantFrom('10.80.1.0/26', '10.80.2.0/26'), fc.option(host, { nil: undefined }), host)
      .map(([net, owner, borrower]) => block(net, owner, { [net.replace('0/26', '9')]: borrower })),
    fc
      .tuple(fc.constantFrom('a', 'b'), host, fc.constantFrom('10.80.1.9', '10.80.2.9'))
      .map(([name, at, address]) => workload(name, { node: at, ips: [address] })),
  );
  const steps = fc.array(fc.tuple(value, fc.boolean(), fc.boolean()), { maxLength: 30 });
  fc.assert(
    fc.property(steps, fc.constantFrom('CalicoIPAM', 'WorkloadIPs'), (list, source) => {
      const driven = new Host();
      const left = new Map<string, Update>();
      for (const [resource, put_, flush] of list) {
        const update = put_ ? put(resource) : gone(resource);
        left.set(`${resource.id.kind} ${resource.id.name}`, update);
        driven.graph.onUpdates([update]);
        if (flush) driven.update();
      }
      driven.graph.setRouteSource(source);
      driven.update();
      const fresh = new Host();
      fresh.graph.setRouteSource(source);
      fresh.update(...left.values());
      expect(driven.state.routes).toEqual(fresh.state.routes);
      expect(driven.state.vteps).toEqual(fresh.state.vteps);
    }),
    { numRuns: 300 },
  );
});

test('a node’s MAC is what upstream derives from its name', () => {
  type Row = { 'v3.34-dev': { node: string; mac: string; macV6: string } };
  const url = new URL('../../test/vectors/names/vxlanMACs.json', import.meta.url);
  for (const row of JSON.parse(readFileSync(url, 'utf8')) as Row[]) {
    const { node: name, mac, macV6 } = row['v3.34-dev'];
    expect([tunnelMac(name, 4), tunnelMac(name, 6)]).toEqual([mac, macV6]);
  }
});
