import { expect, test } from 'vitest';
import { Host } from '../calc/testing/host.ts';
import { gone, hostEndpoint, policy, profile, put, rule } from '../calc/testing/resources.ts';
import { idKey } from '../model/index.ts';
import { ICMPV6, ip } from '../net/index.ts';
import { DEFAULT_RULES_CONFIG } from '../rules/index.ts';
import { NeighbourWarnings } from './neighbour-warnings.ts';

const GLOBAL = { eth0: [ip('10.0.0.1'), ip('fe80::1'), ip('2001:db8::1')] };
const LINK_ONLY = { eth0: [ip('10.0.0.1'), ip('fe80::1')] };
const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0', profiles: ['open'] });
const P = policy('p', { ingress: [rule({ protocol: ICMPV6 })], egress: [rule()] });

class Warned {
  readonly host = new Host();
  readonly #lines: string[] = [];
  readonly #warnings = new NeighbourWarnings(
    {
      policy: (id) => this.host.state.policies.get(idKey(id)),
      profile: (name) => this.host.state.profiles.get(name),
    },
    DEFAULT_RULES_CONFIG,
    { warn: (fields, message) => void this.#lines.push(`${Object.values(fields).join(' ')}: ${message}`) },
  );
  interfaces: Record<string, ReturnType<typeof ip>[]> = GLOBAL;
  asked = 0;

  /** What is said after these updates. */
  after(...updates: Parameters<Host['update']>): string[] {
    let changed = false;
    for (const told of this.host.update(...updates)) {
      changed ||= told.type.startsWith('host-endpoint');
      if (told.type === 'policy') this.#warnings.onPolicy(told.policy.id);
      if (told.type === 'profile') this.#warnings.onProfile(told.profile.name);
    }
    return this.settle(changed);
  }

  settle(changed: boolean): string[] {
    const endpoints = [...this.host.state.hostEndpoints.values()];
    const hosts = new Map(endpoints.map((host) => [host.endpoint.interfaceName, host]));
    this.#warnings.settle(changed, hosts, () => {
      this.asked++;
      return new Map(Object.entries(this.interfaces));
    });
    return this.#lines.splice(0);
  }
}

test('a host endpoint is warned of once, and again when the answer is another', () => {
  const warned = new Warned();
  const said = warned.after(put(eth0));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/eth0 .*\(ingress and egress\)/);
  expect(warned.settle(true)).toEqual([]);
  // Its rules change, while the endpoint has the same policies.
  expect(warned.after(put(P))).toEqual([]);
  expect(warned.after(put({ ...P, ingress: [rule({ action: 'deny' })] }))[0]).toContain('(ingress)');
  expect(warned.after(put(P))).toEqual([]);
  expect(warned.after(gone(P))[0]).toContain('(ingress and egress)');
  // So do those of its profile.
  expect(warned.after(put(profile('open', { ingress: [rule()], egress: [rule()] })))).toEqual([]);
  expect(warned.after(put(profile('open', { ingress: [rule()], egress: [] })))[0]).toContain('(egress)');
});

test('not on interfaces without IPv6 beyond the link', () => {
  const warned = new Warned();
  warned.interfaces = LINK_ONLY;
  expect(warned.after(put(eth0))).toEqual([]);
  warned.interfaces = GLOBAL;
  expect(warned.settle(true)).toHaveLength(1);
});

test('one for all interfaces: on any that speaks IPv6 and is that of no other endpoint', () => {
  const warned = new Warned();
  const all = hostEndpoint('all', { interfaceName: '*' });
  expect(warned.after(put(all))[0]).toMatch(/all \*/);
  expect(warned.after(gone(all), put(hostEndpoint('eth0', { interfaceName: 'eth0' })))).toHaveLength(1);
  expect(warned.after(put(all))).toEqual([]);
});

test('nothing is looked at while nothing of host endpoints changes', () => {
  const warned = new Warned();
  expect(warned.after(put(P))).toEqual([]);
  expect(warned.asked).toBe(0);
  warned.after(put(eth0));
  expect(warned.asked).toBe(1);
  warned.after(put(policy('elsewhere', { selector: "name == 'nobody'" })));
  expect(warned.asked).toBe(1);
});
