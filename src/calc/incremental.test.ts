/** The cost of a change is that of what it touches: counted, at 100 and at 10,000 policies that are all active. */
import { describe, expect, test } from 'vitest';
import type { Policy } from '../model/index.ts';
import type { DataplaneUpdate } from './output.ts';
import { Host } from './testing/host.ts';
import { policy, profile, put, rule, workload } from './testing/resources.ts';
import type { Work } from './work.ts';

const LOCALS = 100;
const subject = workload('subject', { ips: ['10.0.0.1'], profiles: ['open'], labels: { app: 'subject', zone: 'a' } });

/** 100 local and 1,000 remote endpoints of 100 apps; every policy is for one app, and lets another one in. */
function cluster(policies: number): Host {
  const host = new Host();
  const endpoint = (i: number, node: string) =>
    workload(`${node}-${i}`, {
      node,
      ips: [`10.${node === 'h1' ? 1 : 2}.${i >> 8}.${i & 255}`],
      profiles: ['open'],
      labels: { app: `app${i % LOCALS}`, zone: 'b' },
    });
  const locals = Array.from({ length: LOCALS }, (_, i) => endpoint(i, 'h1'));
  const remotes = Array.from({ length: 1000 }, (_, i) => endpoint(i, 'h2'));
  const own = [subjectPolicy('own-1'), subjectPolicy('own-2', "app == 'app7'")];
  const others = Array.from({ length: policies - own.length }, (_, i) =>
    policy(`p${i}`, {
      order: i,
      selector: `app == 'app${i % LOCALS}'`,
      ingress: [rule({ source: { selector: `app == 'app${(i + 1) % LOCALS}'` } })],
    }),
  );
  host.put(profile('open', { ingress: [rule()], egress: [rule()] }), ...locals, ...remotes, ...own, ...others, subject);
  host.inSync();
  expect(host.state.policies.size).toBe(policies);
  return host;
}

function subjectPolicy(name: string, from = "app == 'app3'"): Policy {
  return policy(name, { order: 5000.5, selector: "app == 'subject'", ingress: [rule({ source: { selector: from } })] });
}

const changes: Record<string, (host: Host) => DataplaneUpdate[]> = {
  'a label of a local endpoint that no policy names': (host) =>
    host.put({ ...subject, labels: { ...subject.labels, zone: 'c' } }),
  'a label of a local endpoint, by which it changes its policies': (host) =>
    host.put({ ...subject, labels: { ...subject.labels, app: 'none' } }),
  'a label of a remote endpoint': (host) =>
    host.put(workload('h2-3', { node: 'h2', ips: ['10.2.0.3'], labels: { app: 'subject' }, profiles: ['open'] })),
  'a rule': (host) => host.put(subjectPolicy('own-2', "app == 'app8'")),
  'the order of a policy': (host) => host.put({ ...subjectPolicy('own-2', "app == 'app7'"), order: 1 }),
  'a new local endpoint': (host) =>
    host.put(workload('new', { ips: ['10.1.9.9'], profiles: ['open'], labels: { app: 'subject' } })),
  'a new remote endpoint': (host) =>
    host.put(workload('new', { node: 'h2', ips: ['10.2.9.9'], labels: { app: 'app3' } })),
  'a new policy': (host) => host.put(subjectPolicy('own-3', "app == 'app9'")),
  'a policy that goes': (host) => host.delete(subjectPolicy('own-2')),
  'an endpoint that goes': (host) => host.delete(subject),
  'a label of a profile that nothing names': (host) =>
    host.put(profile('open', { labelsToApply: { unused: 'x' }, ingress: [rule()], egress: [rule()] })),
};

describe('the same work at 100 and at 10,000 policies', () => {
  const small = cluster(100);
  const large = cluster(10_000);

  test.each(Object.keys(changes))('%s', (name) => {
    const change = changes[name] as (host: Host) => DataplaneUpdate[];
    const costs = [small, large].map((host) => {
      let told: string[] = [];
      const work = host.cost(() => {
        told = change(host).map(({ type }) => type);
      });
      host.update(put(subject), put(subjectPolicy('own-2', "app == 'app7'")));
      return { ...work, told };
    });
    expect(costs[1]).toEqual(costs[0]);
  });
});

describe('and it is little work', () => {
  const host = cluster(1000);
  const nothing: Work = {
    labelsEvaluated: 0,
    policiesResolved: 0,
    endpointsResolved: 0,
    rulesScanned: 0,
    membersTouched: 0,
  };

  test('an endpoint told again as it was: its list only', () => {
    expect(host.cost(() => host.put(subject))).toEqual({ ...nothing, endpointsResolved: 1 });
  });

  test('a rule with a set that exists: that rule', () => {
    expect(host.cost(() => host.put(subjectPolicy('own-2', "app == 'app5'")))).toEqual({ ...nothing, rulesScanned: 1 });
  });

  test('a remote endpoint that is in one set', () => {
    const remote = workload('new', { node: 'h2', ips: ['10.2.9.9'], labels: { app: 'app3' } });
    expect(host.cost(() => host.put(remote))).toEqual({ ...nothing, labelsEvaluated: 1, membersTouched: 1 });
  });
});
