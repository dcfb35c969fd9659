/** Whatever the way, the state is what the resources that are left need; and every step of the way is safe to apply. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IdKey, idKey, type Policy, type RuleEntity, type Update } from '../model/index.ts';
import { ip, TCP, UDP } from '../net/index.ts';
import type { DataplaneState } from './state.ts';
import { Host } from './testing/host.ts';
import { naiveState } from './testing/naive.ts';
import {
  broken,
  gone,
  hostEndpoint,
  networkSet,
  policy,
  profile,
  put,
  rule,
  tier,
  workload,
} from './testing/resources.ts';

// Few names and values, so that things meet.
const names = fc.constantFrom('a', 'b', 'c');
const selector = fc.constantFrom(
  'all()',
  "role == 'x'",
  "role != 'x'",
  'has(zone)',
  '!has(zone)',
  "role in {'x','y'} && zone == 'x'",
  "!(role == 'x' || has(zone))",
);
const anyLabels = fc.record(
  { role: fc.constantFrom('x', 'y'), zone: fc.constantFrom('x', 'y') },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;
/** Often none of its own, so that inherited ones show. */
const labels = fc.oneof(fc.constant({}), anyLabels);
const profiles = fc.uniqueArray(fc.constantFrom('p', 'q', 'missing'), { maxLength: 2 });
const ips = fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1'), { maxLength: 2 });
const namedPort = fc.record({
  name: fc.constantFrom('http', 'dns'),
  protocol: fc.constantFrom(TCP, UDP),
  port: fc.constantFrom(53, 80),
});
const ports = fc.array(namedPort, { maxLength: 2 });
const node = fc.constantFrom('h1', 'h2');

const side: fc.Arbitrary<Partial<RuleEntity>> = fc.record(
  {
    selector,
    notSelector: selector,
    ports: fc.array(fc.constantFrom({ name: 'http' }, { name: 'dns' }, { min: 1, max: 9 }), { maxLength: 2 }),
    notPorts: fc.array(fc.constantFrom({ name: 'http' }, { min: 1, max: 9 }), { maxLength: 1 }),
  },
  { requiredKeys: [] },
);
const rules = fc.array(
  fc.record({
    action: fc.constantFrom('allow', 'deny', 'log', 'pass'),
    protocol: fc.constantFrom(TCP, UDP),
    source: side,
    destination: side,
  }),
  { maxLength: 2 },
);
const lists = { ingress: rules.map((list) => list.map(rule)), egress: rules.map((list) => list.map(rule)) };

const workloads = fc
  .tuple(names, fc.record({ labels, profiles, ips, ports, node }))
  .map(([name, fields]) => workload(name, fields));
const hosts = fc
  .tuple(names, fc.record({ labels, profiles, ports, node, expectedIps: ips.map((list) => list.map(ip)) }))
  .map(([name, fields]) => hostEndpoint(name, fields));
const sets = fc
  .tuple(fc.constantFrom('a', 'ns/a'), ips, labels, profiles)
  .map(([name, nets, own, parents]) => networkSet(name, nets, { labels: own, profiles: parents }));
const policies: fc.Arbitrary<Policy> = fc
  .tuple(
    fc.constantFrom('a', 'b', 'ns/a', 'ns/c'),
    fc.record({
      ...lists,
      selector,
      order: fc.constantFrom(1, 2, null),
      tier: fc.constantFrom('default', 'default', 'first', 'second'),
      types: fc.constantFrom<Policy['types'][number][]>(['ingress'], ['egress'], ['ingress', 'egress']),
      doNotTrack: fc.boolean(),
      preDNAT: fc.boolean(),
      applyOnForward: fc.boolean(),
    }),
  )
  .map(([name, fields]) => policy(name, fields));
const profileValues = fc
  .tuple(fc.constantFrom('p', 'q'), fc.record({ ...lists, labelsToApply: anyLabels }))
  .map(([name, fields]) => profile(name, fields));
const tiers = fc
  .tuple(
    fc.constantFrom('default', 'first', 'second'),
    fc.record({ order: fc.constantFrom(1, 2, 2e6, null), defaultAction: fc.constantFrom('deny', 'pass') }),
  )
  .map(([name, fields]) => tier(name, fields));
const resource = fc.oneof(workloads, hosts, sets, policies, profileValues, tiers);

type Resource = Parameters<typeof put>[0];
interface Step {
  readonly update: Update;
  readonly flush: boolean;
}

const step: fc.Arbitrary<Step> = fc
  .tuple(
    resource,
    fc.constantFrom<'put' | 'gone' | 'broken'>('put', 'put', 'put', 'gone', 'gone', 'broken'),
    fc.boolean(),
  )
  .map(([value, how, flush]) => {
    const update = how === 'put' ? put(value) : how === 'gone' ? gone(value) : broken(value.id, closed(value));
    return { update, flush };
  });

const FIRST = Number.NEGATIVE_INFINITY;
const DENY = { ingress: [rule({ action: 'deny' })], egress: [rule({ action: 'deny' })] };

/** What stands in for a resource that cannot be read. */
function closed(value: Resource): Resource {
  if ('storedName' in value) return { ...value, ...DENY, order: FIRST };
  if ('labelsToApply' in value) return { ...value, ...DENY };
  if ('defaultAction' in value) return { ...value, order: FIRST, defaultAction: 'deny' };
  return 'workload' in value ? { ...value, node: '' } : value;
}

/** What is left after the steps: the last good value, else the last stand-in. */
function leftOver(steps: readonly Step[]): Resource[] {
  const left = new Map<IdKey, { value: Resource; good: boolean }>();
  for (const { update } of steps) {
    const key = idKey(update.id);
    if (update.invalid && left.get(key)?.good) continue;
    if (update.value) left.set(key, { value: update.value, good: !update.invalid });
    else left.delete(key);
  }
  return [...left.values()].map(({ value }) => value);
}

function plain({ sets, policies, profiles, workloads, hostEndpoints }: DataplaneState) {
  return { sets, policies, profiles, workloads, hostEndpoints };
}

function fresh(resources: readonly Resource[]): DataplaneState {
  const host = new Host();
  host.put(...resources);
  return host.state;
}

test('random updates converge to the state of a fresh graph, in safe steps', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 50 }), (steps) => {
      const host = new Host();
      for (const { update, flush } of steps) {
        if (flush) host.update(update);
        else host.graph.onUpdates([update]);
      }
      host.update();
      const left = leftOver(steps);
      expect(plain(host.state)).toEqual(plain(fresh(left)));
      expect(plain(host.state)).toEqual(plain(naiveState('h1', left)));
    }),
    { numRuns: 500 },
  );
});

test('who comes later is told the same, in safe steps, and then only what changes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.array(step, { maxLength: 10 }), (before, after) => {
      const host = new Host();
      for (const { update, flush } of before) {
        if (flush) host.update(update);
        else host.graph.onUpdates([update]);
      }
      host.startAnew();
      host.update(...after.map(({ update }) => update));
      expect(plain(host.state)).toEqual(plain(fresh(leftOver([...before, ...after]))));
    }),
    { numRuns: 200 },
  );
});

test('the order, the batches and duplicates of final resources make no difference', () => {
  const distinct = fc.uniqueArray(resource, { selector: ({ id }) => idKey(id), maxLength: 16 });
  fc.assert(
    fc.property(distinct, fc.infiniteStream(fc.nat(3)), (resources, sizes) => {
      const expected = plain(fresh(resources));
      expect(plain(fresh([...resources].reverse()))).toEqual(expected);
      const split = new Host();
      for (let i = 0; i < resources.length; ) {
        const size = sizes.next().value as number;
        split.put(...resources.slice(Math.max(0, i - 1), i + size));
        i += size;
      }
      expect(plain(split.state)).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

test('when everything goes, nothing is left', () => {
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 16 }), (resources) => {
      const host = new Host();
      host.put(...resources);
      for (const value of resources) host.delete(value);
      expect(plain(host.state)).toEqual(plain(new Host().state));
      const { sizes } = host.graph;
      expect(sizes.parsedSelectors).toBe(0);
      expect(Object.values(sizes.active)).toEqual([0, 0, 0, 0, 0]);
    }),
    { numRuns: 150 },
  );
});
