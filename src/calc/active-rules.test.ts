import { describe, expect, test } from 'vitest';
import { idKey } from '../model/index.ts';
import { Host } from './testing/host.ts';
import { gone, policy, profile, put, rule, workload } from './testing/resources.ts';

const w1 = workload('w1', { labels: { app: 'web' }, profiles: ['open'] });
const names = (host: Host) => [...host.state.policies.values()].map(({ id }) => id.name).sort();

describe('policies', () => {
  test('are told while a local endpoint matches', () => {
    const host = new Host();
    host.put(w1, workload('w2', { node: 'h2', labels: { app: 'db' } }));
    host.put(policy('web', { selector: "app == 'web'" }), policy('db', { selector: "app == 'db'" }));
    expect(names(host)).toEqual(['web']);
    host.put({ ...w1, labels: { app: 'db' } });
    expect(names(host)).toEqual(['db']);
    host.delete(w1);
    expect(names(host)).toEqual([]);
  });

  test('carry their rules in order, with what the chains are named after', () => {
    const host = new Host();
    const rules = [rule({ action: 'log' }), rule({ action: 'deny', protocol: 6 }), rule({ ipVersion: 4 })];
    const p = policy('prod/p', { ingress: rules, egress: [rule({ action: 'pass' })], doNotTrack: true });
    host.put(w1, p);
    const active = host.state.policies.get(idKey(p.id));
    expect(active).toMatchObject({
      id: p.id,
      storedName: 'default.p',
      tier: 'default',
      doNotTrack: true,
      preDNAT: false,
    });
    expect(active?.ingress.map((r) => r.action)).toEqual(['log', 'deny', 'allow']);
    expect(active?.ingress[1]?.protocol).toBe(6);
    expect(active?.egress.map((r) => r.action)).toEqual(['pass']);
  });

  test('several changes before a flush are told once, the last one', () => {
    const host = new Host();
    host.put(w1);
    host.graph.onUpdates([put(policy('p', { ingress: [rule()] })), gone(policy('p'))]);
    expect(host.put(policy('p', { ingress: [rule(), rule()] })).map((u) => u.type)).toEqual(['policy', 'workload']);
    expect(host.state.policies.get(idKey(policy('p').id))?.ingress).toHaveLength(2);
  });

  test('what comes and goes between two flushes is never told', () => {
    const host = new Host();
    host.put(w1);
    host.graph.onUpdates([put(policy('p'))]);
    expect(host.delete(policy('p')).map((u) => u.type)).toEqual(['workload']);
  });

  test('a changed rule concerns the policy only', () => {
    const host = new Host();
    host.put(w1, policy('p', { ingress: [rule()] }));
    expect(host.put(policy('p', { ingress: [rule({ action: 'deny' })] })).map((u) => u.type)).toEqual(['policy']);
  });
});

describe('profiles', () => {
  test('are told while a local endpoint names them', () => {
    const host = new Host();
    host.put(profile('open', { ingress: [rule()] }), profile('unused'));
    expect(host.state.profiles.size).toBe(0);
    host.put(w1);
    expect([...host.state.profiles.keys()]).toEqual(['open']);
    host.put({ ...w1, profiles: ['unused', 'open'] });
    expect([...host.state.profiles.keys()].sort()).toEqual(['open', 'unused']);
    host.put({ ...w1, profiles: [] });
    expect(host.state.profiles.size).toBe(0);
  });

  test('a missing one denies, until it comes and after it has gone', () => {
    const host = new Host();
    const actions = () => host.state.profiles.get('open')?.ingress.map((r) => r.action);
    host.put(w1);
    expect(actions()).toEqual(['deny']);
    host.put(profile('open', { ingress: [rule()] }));
    expect(actions()).toEqual(['allow']);
    host.delete(profile('open'));
    expect(actions()).toEqual(['deny']);
  });

  test('projectcalico-default-allow is built in', () => {
    const host = new Host();
    host.put({ ...w1, profiles: ['projectcalico-default-allow'] });
    const { ingress, egress } = host.state.profiles.get('projectcalico-default-allow') ?? { ingress: [], egress: [] };
    expect([...ingress, ...egress].map((r) => r.action)).toEqual(['allow', 'allow']);
  });

  test('their labels are inherited, by policies too; a label of its own wins', () => {
    const host = new Host();
    host.put(w1, policy('blue', { selector: "colour == 'blue'" }), policy('web', { selector: "app == 'web'" }));
    host.put(profile('open', { labelsToApply: { colour: 'blue', app: 'other' } }));
    expect(names(host)).toEqual(['blue', 'web']);
    host.put(profile('open', { labelsToApply: { colour: 'red' } }));
    expect(names(host)).toEqual(['web']);
    host.put(profile('open', { labelsToApply: { colour: 'blue' } }));
    host.delete(profile('open'));
    expect(names(host)).toEqual(['web']);
  });
});
