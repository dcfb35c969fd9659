import { describe, expect, test } from 'vitest';
import { idKey } from '../model/index.ts';
import { Host, policyText } from './testing/host.ts';
import { hostEndpoint, policy, put, tier, workload } from './testing/resources.ts';

const w1 = workload('w1', { labels: { app: 'back' } });

describe('order of policies', () => {
  test('by order, equal orders by name, those without an order last', () => {
    const host = new Host();
    host.put(
      w1,
      policy('no-order'),
      policy('b-30', { order: 30 }),
      policy('a-30', { order: 30 }),
      policy('between', { order: 25.5 }),
      policy('first', { order: -1 }),
    );
    expect(host.policies(w1)).toBe(
      'ingress: first between a-30 b-30 no-order, egress: first between a-30 b-30 no-order',
    );
  });

  test('the namespace counts as part of the name: it stands before the stored name', () => {
    const host = new Host();
    host.put(w1, policy('p', { order: 1 }), policy('zoo/a', { order: 1 }), policy('aaa/z', { order: 1 }));
    expect(host.policies(w1)).toMatch('ingress: z p a,');
  });

  test('a policy that changes its order moves, one whose rules change moves nothing', () => {
    const host = new Host();
    host.put(w1, policy('a', { order: 1 }), policy('b', { order: 2 }));
    host.put(policy('a', { order: 3 }));
    expect(host.policies(w1)).toBe('ingress: b a, egress: b a');
    expect(host.put(policy('a', { order: 3, doNotTrack: false })).map((u) => u.type)).toEqual(['policy']);
  });

  test('only in the directions of its types', () => {
    const host = new Host();
    host.put(
      w1,
      policy('in', { types: ['ingress'] }),
      policy('out', { types: ['egress'] }),
      policy('none', { types: [] }),
    );
    expect(host.policies(w1)).toBe('ingress: in, egress: out');
    host.put(policy('in', { types: ['egress'] }));
    expect(host.policies(w1)).toBe('ingress: , egress: in out');
  });

  test('many at once and one by one come to the same', () => {
    const policies = Array.from({ length: 40 }, (_, i) => policy(`p${i}`, { order: (i * 17) % 11 }));
    const atOnce = new Host();
    atOnce.put(w1, ...policies);
    const oneByOne = new Host();
    oneByOne.put(w1);
    for (const p of policies) oneByOne.put(p);
    expect(oneByOne.policies(w1)).toBe(atOnce.policies(w1));
  });
});

describe('tiers', () => {
  const inTier = (name: string, of: string) => policy(name, { tier: of, types: ['ingress'] });
  const tiersOf = (host: Host) =>
    (host.state.workloads.get(idKey(w1.id))?.tiers ?? []).map(
      ({ tier, ingress, passes }) => `${tier}: ${ingress.map(({ name }) => name).join(' ')}${passes ? ', passes' : ''}`,
    );

  test('by order; default where upstream has it; unknown ones last', () => {
    const host = new Host();
    host.put(w1, tier('late', { order: 2e6 }), tier('early', { order: 10 }), tier('unordered'));
    host.put(...['nowhere', 'unordered', 'late', 'default', 'early'].map((name) => inTier(`in-${name}`, name)));
    expect(tiersOf(host)).toEqual([
      'early: in-early',
      'default: in-default',
      'late: in-late',
      'nowhere: in-nowhere',
      'unordered: in-unordered',
    ]);
  });

  test('of equal order by name', () => {
    const host = new Host();
    host.put(w1, inTier('x', 'b'), inTier('y', 'a'), tier('b', { order: 1 }), tier('a', { order: 1 }));
    expect(tiersOf(host)).toEqual(['a: y', 'b: x']);
  });

  test('a tier that changes takes its policies along; one without policies here changes nothing', () => {
    const host = new Host();
    host.put(w1, tier('t', { order: 1 }), inTier('p', 't'), inTier('q', 't'), inTier('d', 'default'));
    expect(tiersOf(host)).toEqual(['t: p q', 'default: d']);
    expect(host.put(tier('t', { order: 3e6, defaultAction: 'pass' })).map((u) => u.type)).toEqual(['workload']);
    expect(tiersOf(host)).toEqual(['default: d', 't: p q, passes']);
    expect(host.put(tier('t', { order: 3e6, defaultAction: 'pass' }), tier('other', { order: 1 }))).toEqual([]);
    host.delete(tier('t'));
    expect(tiersOf(host)).toEqual(['default: d', 't: p q']);
  });

  test('default may be stored with an order of its own', () => {
    const host = new Host();
    host.put(w1, tier('t', { order: 5 }), inTier('p', 't'), inTier('d', 'default'), tier('default', { order: 1 }));
    expect(tiersOf(host)).toEqual(['default: d', 't: p']);
  });

  test('a policy moves from one tier to another', () => {
    const host = new Host();
    host.put(w1, tier('t', { order: 5 }), inTier('p', 't'), inTier('q', 'default'));
    host.put(inTier('q', 't'));
    expect(tiersOf(host)).toEqual(['t: p q']);
    host.put(tier('t', { order: 6, defaultAction: 'pass' }));
    expect(tiersOf(host)).toEqual(['t: p q, passes']);
  });

  test('order every part of a host endpoint', () => {
    const host = new Host();
    const eth0 = hostEndpoint('eth0');
    const roles = {
      tiers: {},
      forward: { applyOnForward: true },
      untracked: { doNotTrack: true },
      preDnat: { preDNAT: true },
    };
    const policies = Object.entries(roles).flatMap(([name, fields]) =>
      ['default', 'first'].map((of) => policy(`${name}-${of}`, { ...fields, tier: of })),
    );
    host.put(eth0, tier('first', { order: 1, defaultAction: 'pass' }), ...policies);
    const local = host.state.hostEndpoints.get(idKey(eth0.id));
    const shape = {
      tiers: local?.tiers,
      forward: local?.forward,
      untracked: local?.untracked,
      preDnat: local?.preDnat,
    };
    for (const part of Object.values(shape))
      expect(part?.map(({ tier, passes }) => [tier, passes])).toEqual([
        ['first', true],
        ['default', undefined],
      ]);
  });
});

describe('which endpoints', () => {
  test('those of this host only', () => {
    const host = new Host();
    const elsewhere = workload('w2', { node: 'h2' });
    host.put(w1, elsewhere, policy('p'));
    expect([...host.state.workloads.keys()]).toEqual([idKey(w1.id)]);
  });

  test('one that moves to another host goes, with the policies that only it needed', () => {
    const host = new Host();
    host.put(w1, policy('p'));
    expect(host.put({ ...w1, node: 'h2' }).map((u) => u.type)).toEqual(['workload-gone', 'policy-gone']);
    expect(host.put(w1).map((u) => u.type)).toEqual(['policy', 'workload']);
  });

  test('a changed label changes the policies', () => {
    const host = new Host();
    host.put(w1, policy('back', { selector: "app == 'back'" }), policy('front', { selector: "app == 'front'" }));
    expect(host.policies(w1)).toBe('ingress: back, egress: back');
    host.put({ ...w1, labels: { app: 'front' } });
    expect(host.policies(w1)).toBe('ingress: front, egress: front');
    host.put({ ...w1, labels: {} });
    expect(host.policies(w1)).toBe('');
  });

  test('one goes before another that takes its place comes', () => {
    const host = new Host();
    host.put(w1);
    const successor = workload('w9', { interfaceName: w1.interfaceName });
    host.graph.onUpdates([put(successor)]);
    expect(host.delete(w1).map((u) => u.type)).toEqual(['workload-gone', 'workload']);
  });
});

describe('host endpoints', () => {
  const eth0 = hostEndpoint('h1-eth0', { labels: { role: 'host' } });
  const told = (host: Host) => {
    const local = host.state.hostEndpoints.get(idKey(eth0.id));
    return {
      tiers: policyText(local?.tiers ?? []),
      forward: policyText(local?.forward ?? []),
      untracked: policyText(local?.untracked ?? []),
      preDnat: policyText(local?.preDnat ?? []),
    };
  };

  test('normal policies police the host itself, applyOnForward ones forwarded traffic as well', () => {
    const host = new Host();
    host.put(eth0, policy('local', { order: 1 }), policy('both', { order: 2, applyOnForward: true }));
    expect(told(host)).toEqual({
      tiers: 'ingress: local both, egress: local both',
      forward: 'ingress: both, egress: both',
      untracked: '',
      preDnat: '',
    });
  });

  test('doNotTrack and preDNAT policies stand apart; before DNAT there is no egress', () => {
    const host = new Host();
    host.put(
      eth0,
      policy('raw', { doNotTrack: true, applyOnForward: true }),
      policy('dnat', { preDNAT: true, applyOnForward: true }),
    );
    expect(told(host)).toEqual({
      tiers: '',
      forward: '',
      untracked: 'ingress: raw, egress: raw',
      preDnat: 'ingress: dnat, egress: ',
    });
  });

  test('a workload has neither', () => {
    const host = new Host();
    host.put(
      w1,
      policy('raw', { doNotTrack: true }),
      policy('dnat', { preDNAT: true }),
      policy('p', { applyOnForward: true }),
    );
    expect(host.policies(w1)).toBe('ingress: p, egress: p');
  });

  test('a policy that changes its part is told to its endpoints', () => {
    const host = new Host();
    host.put(eth0, policy('p'));
    host.put(policy('p', { applyOnForward: true }));
    expect(told(host).forward).toBe('ingress: p, egress: p');
    host.put(policy('p', { doNotTrack: true, applyOnForward: true }));
    expect(told(host)).toMatchObject({ tiers: '', forward: '', untracked: 'ingress: p, egress: p' });
  });
});
