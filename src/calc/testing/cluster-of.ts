/** Clusters of one shape and any number of policies, and changes that should cost the same in each of them. */
import type { Policy, Update, Values } from '../../model/index.ts';
import { gone, policy, profile, put, rule, tier, workload } from './resources.ts';

const LOCALS = 100;
const open = { ingress: [rule()], egress: [rule()] };
export const subject = workload('subject', {
  ips: ['10.0.0.1'],
  profiles: ['open'],
  labels: { app: 'subject', zone: 'a' },
});

/**
 * The host `h1` with 101 endpoints, one of them the subject of the changes, and 1,000 remote ones, of 100 apps; every
 * policy is for one app, and lets another one in.
 */
export function clusterOf(policies: number): Values[keyof Values][] {
  const endpoint = (i: number, node: string) =>
    workload(`${node}-${i}`, {
      node,
      ips: [`10.${node === 'h1' ? 1 : 2}.${i >> 8}.${i & 255}`],
      profiles: ['open'],
      labels: { app: `app${i % LOCALS}`, zone: 'b' },
    });
  const locals = Array.from({ length: LOCALS }, (_, i) => endpoint(i, 'h1'));
  const remotes = Array.from({ length: 1000 }, (_, i) => endpoint(i, 'h2'));
  const own = [
    subjectPolicy('own-1', 'app3'),
    subjectPolicy('own-2', 'app7'),
    { ...subjectPolicy('own-0', 'app1'), tier: 'own' },
  ];
  const others = Array.from({ length: policies - own.length }, (_, i) =>
    policy(`p${i}`, {
      order: i,
      selector: `app == 'app${i % LOCALS}'`,
      ingress: [rule({ source: { selector: `app == 'app${(i + 1) % LOCALS}'` } })],
    }),
  );
  return [profile('open', open), ...locals, ...remotes, ...own, ...others, subject];
}

export function subjectPolicy(name: string, from: string): Policy {
  return policy(name, {
    order: 5000.5,
    selector: "app == 'subject'",
    ingress: [rule({ source: { selector: `app == '${from}'` } })],
  });
}

/** Each by itself; `undo` brings a cluster back. */
export const changes: Readonly<Record<string, Update>> = {
  'a label of a local endpoint that no policy names': put({ ...subject, labels: { ...subject.labels, zone: 'c' } }),
  'a label of a local endpoint, by which it changes its policies': put({
    ...subject,
    labels: { ...subject.labels, app: 'none' },
  }),
  'a label of a remote endpoint': put(
    workload('h2-3', { node: 'h2', ips: ['10.2.0.3'], labels: { app: 'subject' }, profiles: ['open'] }),
  ),
  'a rule': put(subjectPolicy('own-2', 'app8')),
  'the order of a policy': put({ ...subjectPolicy('own-2', 'app7'), order: 1 }),
  'the order of the tier of one policy': put(tier('own', { order: 7 })),
  'a policy that changes its tier': put({ ...subjectPolicy('own-2', 'app7'), tier: 'own' }),
  'a new local endpoint': put(workload('new', { ips: ['10.1.9.9'], profiles: ['open'], labels: { app: 'subject' } })),
  'a new remote endpoint': put(workload('newer', { node: 'h2', ips: ['10.2.9.9'], labels: { app: 'app3' } })),
  'a new policy': put(subjectPolicy('own-3', 'app9')),
  'a policy that goes': gone(subjectPolicy('own-2', 'app7')),
  'an endpoint that goes': gone(subject),
  'a label of a profile that nothing names': put(profile('open', { labelsToApply: { unused: 'x' }, ...open })),
};

/** The subject and its policies as they were. */
export const undo: readonly Update[] = [put(subject), put(subjectPolicy('own-2', 'app7')), gone(tier('own'))];
