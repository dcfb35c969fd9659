import { describe, expect, test } from 'vitest';
import type { Rule, RuleEntity } from '../model/index.ts';
import { ICMP, SCTP, TCP, UDP } from '../net/index.ts';
import { parseSelector } from '../selector/index.ts';
import { activate, type SetDefinition } from './rule-sets.ts';
import { rule } from './testing/resources.ts';

/** The source side of a rule, and the sets that it needs. */
function source(fields: Partial<RuleEntity>, rest: Partial<Omit<Rule, 'source' | 'destination'>> = {}) {
  const sets: SetDefinition[] = [];
  const active = activate(rule({ ...rest, source: fields }), { parse: parseSelector, need: (set) => sets.push(set) });
  return { active, side: active.source, sets };
}

const uid = (selector: string) => parseSelector(selector).uid;
const http = { name: 'http' };

describe('selectors', () => {
  test('none: no set', () => {
    const { side, sets } = source({});
    expect(side).toEqual({
      nets: [],
      notNets: [],
      sets: [],
      notSets: [],
      ports: [],
      portSets: [],
      notPorts: [],
      notPortSets: [],
    });
    expect(sets).toEqual([]);
  });

  test('one is a set with the hash of its canonical text, whatever its spelling', () => {
    expect(source({ selector: "a=='b'" }).side.sets).toEqual(['s:flMh0m0X_BowkAK_W3j3MgH8oQOsj3WxGDoXCQ']);
  });

  test('all() is a set too: of all that Calico knows', () => {
    expect(source({ selector: 'all()' }).side.sets).toEqual(['s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug']);
  });

  test('a notSelector alone is a set to be out of', () => {
    const { side } = source({ notSelector: "app == 'web'" });
    expect([side.sets, side.notSets]).toEqual([[], [uid('app == "web"')]]);
  });

  test('both are one set, with the name that upstream gives it', () => {
    const { side } = source({ selector: 'has(app)', notSelector: "stage == 'dev'" });
    expect(side.sets).toEqual(['s:j_rCYDRPTbJkDnBeFxvM0O7MsfrAqSS5n05deQ']);
    expect(side.notSets).toEqual([]);
  });
});

describe('ports', () => {
  const ranges = [{ min: 80, max: 90 }];

  test('numbers stay, names become sets over the protocol', () => {
    const { side } = source({ selector: "a == 'b'", ports: [http] }, { protocol: TCP });
    expect(side.ports).toEqual([]);
    expect(side.portSets).toEqual(['n:giMFYSw5poQ6yIr5HFpqHp51MajefTbF1b7atg']);
    expect(source({ selector: "a == 'b'", ports: [http] }, { protocol: UDP }).side.portSets).toEqual([
      'n:PXrAM7DixPaR7dy09zJQ4v8sVggksZc40Qpvdw',
    ]);
    expect(source({ selector: "a == 'b'", ports: [http] }, { protocol: SCTP }).side.portSets).toEqual([
      'n:QIzo3TRg2UvbwR3IA4Upfk9T_KgGBHxbXtrifw',
    ]);
  });

  test('without a selector the names of all endpoints count', () => {
    const { side } = source({ ports: [{ name: 'web' }] }, { protocol: TCP });
    expect(side.portSets[0]).toMatch(/^n:-41d8CgYX-xMwTntiNM-X5c/);
  });

  test('the selector needs no set beside a named port, unless there are numbers too', () => {
    expect(source({ selector: "a == 'b'", ports: [http] }).side.sets).toEqual([]);
    expect(source({ selector: "a == 'b'", ports: [http, ...ranges] }).side.sets).toEqual([uid('a == "b"')]);
    expect(source({ selector: "a == 'b'", ports: ranges }).side.sets).toEqual([uid('a == "b"')]);
    expect(source({ selector: "a == 'b'", notPorts: [http] }).side.sets).toEqual([uid('a == "b"')]);
  });

  test('notPorts alike', () => {
    const { side } = source({ notPorts: [http, ...ranges] }, { protocol: TCP });
    expect([side.notPorts, side.notPortSets.length, side.ports, side.portSets]).toEqual([ranges, 1, [], []]);
  });
});

test('what a rule says beside its two sides stays; annotations are not for the dataplane', () => {
  const icmp = { type: 8, code: 0 };
  const { active } = source({}, { action: 'deny', ipVersion: 4, protocol: ICMP, icmp, annotations: { a: 'b' } });
  expect(active).toMatchObject({ action: 'deny', ipVersion: 4, protocol: ICMP, icmp });
  expect(active).not.toHaveProperty('annotations');
});
