import { describe, expect, test } from 'vitest';
import { ip, TCP, UDP } from '../net/index.ts';
import { Host } from './testing/host.ts';
import { gone, hostEndpoint, networkSet, policy, profile, rule, workload } from './testing/resources.ts';

const local = workload('local', { ips: ['10.0.0.99'] });
const web = workload('web', { node: 'h2', labels: { app: 'web' }, ips: ['10.0.0.1', 'fd00::1'] });
const fromWeb = policy('p', { ingress: [rule({ source: { selector: "app == 'web'" } })] });
const toHttp = policy('p', {
  ingress: [rule({ protocol: TCP, destination: { ports: [{ name: 'http' }] } })],
});

describe('addresses of a selector', () => {
  test('local and remote workloads, host endpoints, network sets', () => {
    const host = new Host();
    host.put(
      local,
      fromWeb,
      web,
      { ...local, labels: { app: 'web' } },
      hostEndpoint('h3', { node: 'h3', labels: { app: 'web' }, expectedIps: [ip('172.16.0.1'), ip('fd00::3')] }),
      networkSet('outside', ['192.0.2.0/24', '0.0.0.0/0'], { labels: { app: 'web' } }),
      networkSet('other', ['198.51.100.0/24'], { labels: { app: 'db' } }),
    );
    expect(host.members()).toEqual(
      [
        '0.0.0.0/0',
        '10.0.0.1/32',
        '10.0.0.99/32',
        '172.16.0.1/32',
        '192.0.2.0/24',
        'fd00::1/128',
        'fd00::3/128',
      ].sort(),
    );
  });

  test('labels inherited from profiles count, for network sets as well', () => {
    const host = new Host();
    const set = networkSet('prod/set', ['192.0.2.0/24'], { profiles: ['kns.prod'] });
    const pod = workload('pod', { node: 'h2', ips: ['10.0.0.5'], profiles: ['kns.prod'] });
    host.put(local, policy('p', { ingress: [rule({ source: { selector: "pcns.env == 'prod'" } })] }), set, pod);
    expect(host.members()).toEqual([]);
    host.put(profile('kns.prod', { labelsToApply: { 'pcns.env': 'prod' } }));
    expect(host.members()).toEqual(['10.0.0.5/32', '192.0.2.0/24']);
    host.delete(profile('kns.prod'));
    expect(host.members()).toEqual([]);
  });

  test('a selector with the namespace in it keeps to that namespace', () => {
    const host = new Host();
    const ns = (namespace: string) => ({ labels: { role: 'x', 'projectcalico.org/namespace': namespace } });
    const selector = "(role == 'x') && projectcalico.org/namespace == 'prod'";
    host.put(
      { ...local, labels: { 'projectcalico.org/namespace': 'prod' } },
      policy('prod/p', { ingress: [rule({ source: { selector } })] }),
      networkSet('prod/a', ['192.0.2.1'], ns('prod')),
      networkSet('other/a', ['192.0.2.2'], ns('other')),
      networkSet('global', ['192.0.2.3'], { labels: { role: 'x' } }),
    );
    expect(host.members()).toEqual(['192.0.2.1/32']);
  });

  test('an address that two endpoints share stays until both are gone', () => {
    const host = new Host();
    const twin = { ...web, id: { ...web.id, name: 'twin' } };
    host.put(local, fromWeb, web, twin);
    expect(host.delete(web)).toEqual([]);
    expect(host.members()).toEqual(['10.0.0.1/32', 'fd00::1/128']);
    expect(host.delete(twin).map((u) => u.type)).toEqual(['set-delta']);
    expect(host.members()).toEqual([]);
  });

  test('a changed address is a delta of just that', () => {
    const host = new Host();
    host.put(local, fromWeb, web);
    const moved = workload('web', { ...web, ips: ['10.0.0.2', 'fd00::1'] });
    const id = host.setIds()[0];
    expect(host.put(moved)).toEqual([{ type: 'set-delta', id, added: ['10.0.0.2/32'], removed: ['10.0.0.1/32'] }]);
  });

  test('an address that moves from one endpoint to another is no change', () => {
    const host = new Host();
    host.put(local, fromWeb, web);
    host.graph.onUpdates([gone(web)]);
    expect(host.put({ ...web, id: { ...web.id, name: 'again' } })).toEqual([]);
  });
});

describe('named ports', () => {
  const server = workload('web', {
    ...web,
    ips: ['10.0.0.1', 'fd00::1'],
    ports: [
      { name: 'http', protocol: TCP, port: 8080 },
      { name: 'http', protocol: TCP, port: 8081 },
      { name: 'http', protocol: UDP, port: 8082 },
      { name: 'dns', protocol: UDP, port: 53 },
    ],
  });

  test('every address with every port of that name and protocol', () => {
    const host = new Host();
    host.put(local, toHttp, server, networkSet('no-ports', ['192.0.2.0/24']));
    expect([...host.state.sets.values()].map((s) => s.type)).toEqual(['ip,port']);
    expect(host.members()).toEqual(['10.0.0.1,tcp:8080', '10.0.0.1,tcp:8081', 'fd00::1,tcp:8080', 'fd00::1,tcp:8081']);
  });

  test('of host endpoints as well', () => {
    const host = new Host();
    const ports = [{ name: 'http', protocol: TCP, port: 80 }];
    host.put(local, toHttp, hostEndpoint('h2', { node: 'h2', expectedIps: [ip('172.16.0.2')], ports }));
    expect(host.members()).toEqual(['172.16.0.2,tcp:80']);
  });

  test('a moved port is a delta', () => {
    const host = new Host();
    host.put(local, toHttp, { ...server, ports: [{ name: 'http', protocol: TCP, port: 1 }] });
    expect(host.put({ ...server, ports: [{ name: 'http', protocol: TCP, port: 2 }] })).toMatchObject([
      { type: 'set-delta', added: ['10.0.0.1,tcp:2', 'fd00::1,tcp:2'], removed: ['10.0.0.1,tcp:1', 'fd00::1,tcp:1'] },
    ]);
  });

  test('are filtered by the selector of their side', () => {
    const host = new Host();
    const db = { ...server, id: { ...server.id, name: 'db' }, labels: { app: 'db' }, nets: local.nets };
    const p = rule({ protocol: TCP, destination: { selector: "app == 'db'", ports: [{ name: 'http' }] } });
    host.put(local, policy('p', { ingress: [p] }), server, db);
    expect(host.members()).toEqual(['10.0.0.99,tcp:8080', '10.0.0.99,tcp:8081']);
  });
});

describe('lifetime of a set', () => {
  test('while an active rule names it', () => {
    const host = new Host();
    host.put(fromWeb, web);
    expect(host.setIds()).toEqual([]);
    expect(host.put(local).map((u) => u.type)).toEqual(
      ['set', 'policy', 'profile', 'workload'].filter((t) => t !== 'profile'),
    );
    expect(host.delete(local).map((u) => u.type)).toEqual(['workload-gone', 'policy-gone', 'set-gone']);
  });

  test('a set that passes from one policy to another stays', () => {
    const host = new Host();
    host.put(local, fromWeb, web);
    const other = policy('q', { egress: [rule({ destination: { selector: 'app=="web"' } })] });
    host.graph.onUpdates([gone(fromWeb)]);
    expect(host.put(other).map((u) => u.type)).toEqual(['policy', 'workload', 'policy-gone']);
    expect(host.members()).toEqual(['10.0.0.1/32', 'fd00::1/128']);
  });

  test('of profiles as well', () => {
    const host = new Host();
    host.put({ ...local, profiles: ['a'] }, web, profile('a', { ingress: fromWeb.ingress }));
    expect(host.members()).toEqual(['10.0.0.1/32', 'fd00::1/128']);
    host.put(profile('a', { ingress: [rule()] }));
    expect(host.setIds()).toEqual([]);
  });
});
