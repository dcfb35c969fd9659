/** Stored resources that cannot be read, and no good value known: from the text in the datastore to what packets meet. */
import { describe, expect, test } from 'vitest';
import { hostEndpoint, policy, rule, tier } from '../../src/calc/testing/resources.ts';
import { decode } from '../../src/datastore/decode/index.ts';
import { resourceKey } from '../../src/datastore/keys.ts';
import type { Kind, Values } from '../../src/model/index.ts';
import { ip } from '../../src/net/index.ts';
import { fromOutside, fromW1, OWN, open, send, w1, w2 } from '../../src/rules/testing/send.ts';

type Value = Values[Kind];

/** What stands in for a resource that must turn out to be invalid. */
function standIn(plural: string, name: string, spec: object, metadata: object = {}, namespace?: string): Value {
  const update = decode(resourceKey(plural, name, namespace), JSON.stringify({ metadata, spec }));
  expect(update?.invalid).toMatchObject({ code: 'E_INVALID' });
  return update?.value as Value;
}

const verdict = (packet: Parameters<typeof send>[0], ...resources: Value[]) => send(packet, resources).verdict;
const allows = (name: string, fields: Parameters<typeof policy>[1] = {}) =>
  policy(name, { types: ['ingress'], ingress: [rule()], ...fields });
const toHost = { ...fromOutside, destination: OWN[4], destinationPort: 8080 };

describe('a policy', () => {
  const bad = (spec: object) =>
    standIn('globalnetworkpolicies', 'default.p', { types: ['Ingress'], ingress: [{ action: 'x' }], ...spec });

  test('closes, also in a tier that passes what nobody decides', () => {
    const passing = tier('first', { order: 1, defaultAction: 'pass' });
    expect(verdict(fromW1, open, w1, w2)).toBe('accept');
    expect(verdict(fromW1, open, w1, w2, bad({}))).toBe('drop');
    expect(verdict(fromW1, open, w1, w2, passing, bad({ tier: 'first' }), allows('q'))).toBe('drop');
  });

  test('closes before others of its tier, when its own order cannot be read', () => {
    expect(verdict(fromW1, open, w1, w2, bad({ order: 2 }), allows('q', { order: 1 }))).toBe('accept');
    expect(verdict(fromW1, open, w1, w2, bad({ order: 'two' }), allows('q', { order: 1 }))).toBe('drop');
  });

  test('closes before tracking and before DNAT', () => {
    const host = [hostEndpoint('e'), allows('q')];
    expect(verdict(toHost, ...host)).toBe('accept');
    expect(verdict(toHost, ...host, bad({ doNotTrack: true, applyOnForward: true }))).toBe('drop');
    expect(verdict(toHost, ...host, bad({ preDNAT: true, applyOnForward: true }))).toBe('drop');
  });

  test('leaves the other direction as it is', () => {
    expect(verdict(fromW1, open, w1, w2, bad({ types: ['Egress'] }))).toBe('drop');
    expect(verdict(fromOutside, open, w1, w2, bad({ types: ['Egress'] }))).toBe('accept');
  });
});

describe('a host endpoint', () => {
  const bad = (spec: object, metadata?: object) =>
    standIn('hostendpoints', 'e', { node: 'h1', interfaceName: 'eth0', ...spec }, metadata);

  test('has its interface policed: by default closed but for the failsafe ports', () => {
    expect(verdict(toHost)).toBe('accept');
    const endpoint = bad({ ports: [{ name: 'a' }] });
    expect(verdict(toHost, endpoint)).toBe('drop');
    expect(verdict({ ...toHost, destinationPort: 22 }, endpoint)).toBe('accept');
    expect(verdict(toHost, endpoint, allows('q'))).toBe('accept');
  });

  test('without labels that can be read has no profile that lets in', () => {
    expect(verdict(toHost, open, bad({ profiles: ['open'], ports: [7] }))).toBe('accept');
    expect(verdict(toHost, open, bad({ profiles: ['open'] }, { labels: { a: 1 } }))).toBe('drop');
  });
});

test('a workload endpoint closes, and rules about it hold', () => {
  const where = { orchestrator: 'cni', containerID: 'c', endpoint: 'e', interfaceName: 'cali1', profiles: ['open'] };
  const spec = { ...where, node: 'h1', ipNetworks: ['10.65.0.1/32'], qosControls: { ingressBandwidth: 'x' } };
  const bad = standIn('workloadendpoints', 'w', spec, { labels: { role: 'bad' } }, 'ns');
  expect(verdict(fromW1, open, w1, w2)).toBe('accept');
  expect(verdict(fromW1, open, bad, w2)).toBe('drop');
  const denies = policy('p', {
    types: ['ingress'],
    ingress: [rule({ action: 'deny', source: { selector: "role == 'bad'" } }), rule()],
  });
  const elsewhere = { ...fromOutside, source: ip('10.65.0.1') };
  expect(verdict(elsewhere, open, w2, denies)).toBe('accept');
  expect(verdict(elsewhere, open, w2, denies, bad)).toBe('drop');
});

test('a set of networks keeps the prefixes that can be read', () => {
  const bad = standIn('globalnetworksets', 's', { nets: ['192.0.2.1/32', 'x'] }, { labels: { role: 'bad' } });
  const denies = policy('p', {
    types: ['ingress'],
    ingress: [rule({ action: 'deny', source: { selector: "role == 'bad'" } }), rule()],
  });
  expect(verdict(fromOutside, open, w2, denies)).toBe('accept');
  expect(verdict(fromOutside, open, w2, denies, bad)).toBe('drop');
});

describe('a tier', () => {
  const second = tier('second', { order: 2 });
  const denies = policy('p', { tier: 'first', types: ['ingress'], ingress: [rule({ action: 'deny' })] });
  const silent = policy('p', { tier: 'first', types: ['ingress'] });
  const after = allows('q', { tier: 'second' });

  test('keeps its place', () => {
    const bad = standIn('tiers', 'first', { order: 1, defaultAction: 'x' });
    expect(verdict(fromW1, open, w1, w2, second, after, denies, bad)).toBe('drop');
    expect(verdict(fromW1, open, w1, w2, second, after, silent, bad)).toBe('drop');
  });

  test('is the first when its place cannot be read, and passes where that can', () => {
    const bad = standIn('tiers', 'first', { order: 'one', defaultAction: 'Pass' });
    expect(verdict(fromW1, open, w1, w2, second, after, denies, bad)).toBe('drop');
    expect(verdict(fromW1, open, w1, w2, second, after, silent, bad)).toBe('accept');
  });
});

test('a profile closes, though one that allows comes after it', () => {
  const bad = standIn('profiles', 'bad', { ingress: [{ action: 'x' }] });
  expect(verdict(fromOutside, open, { ...w2, profiles: ['bad', 'open'] }, bad)).toBe('drop');
});
