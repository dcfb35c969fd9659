/**
 * Stored resources through decode and calc, against what upstream's Felix put into the kernel for the same: names and
 * members of IP sets, and the policies of every endpoint in their order; on every host, after every step.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CalcGraph, DataplaneState, type TierPolicies } from '../../src/calc/index.ts';
import { decode, idOf } from '../../src/datastore/decode/index.ts';
import type { Direction, Policy, Update } from '../../src/model/index.ts';

const VECTORS = new URL('../vectors/felix/', import.meta.url).pathname;
const scenarios = readdirSync(VECTORS).filter((name) => existsSync(`${VECTORS}${name}/recorded/datastore.json`));

interface Scenario {
  readonly hosts: Readonly<Record<string, unknown>>;
  readonly steps: readonly { readonly name: string }[];
}

const json = (path: string) => JSON.parse(readFileSync(`${VECTORS}${path}`, 'utf8'));

test('the recordings are here', () => expect(scenarios.length).toBeGreaterThan(10));

describe.each(scenarios)('%s', (name) => {
  const { hosts, steps }: Scenario = json(`${name}/scenario.json`);
  const stored: Record<string, Record<string, unknown>> = json(`${name}/recorded/datastore.json`);

  test.each(Object.keys(hosts))('%s', (host) => {
    const graph = new CalcGraph({ node: host });
    const state = new DataplaneState();
    const kernel = new Kernel(`${VECTORS}${name}/recorded/kernel`, host);
    for (const step of steps) {
      graph.onUpdates(updatesOf(stored[step.name] ?? {}));
      graph.onStatus('in-sync');
      graph.flush((update) => state.apply(update));
      kernel.advance(step.name);
      expect([step.name, setsOf(state, kernel.families)]).toEqual([step.name, kernel.sets()]);
      for (const [chain, policies] of listsOf(state)) {
        expect([step.name, chain, policies.map(chainName)]).toEqual([step.name, chain, kernel.jumps(chain, policies)]);
      }
    }
    expect([...graph.invalid.values()]).toEqual([]);
  });
});

function updatesOf(changes: Readonly<Record<string, unknown>>): Update[] {
  return Object.entries(changes).flatMap(([key, value]) => {
    if (value !== null) return decode(key, JSON.stringify(value)) ?? [];
    const id = idOf(key);
    return id ? [{ id, value: null } as Update] : [];
  });
}

/** Kernel set name → members, as `ipset save` writes them. */
function setsOf({ sets }: DataplaneState, families: readonly number[]): Record<string, string[]> {
  const named: Record<string, string[]> = {};
  for (const [id, { members }] of sets) {
    for (const family of families) {
      const own = [...members].filter((member) => member.split(',')[0]?.includes(':') === (family === 6));
      named[`cali${family}0${id}`.slice(0, 31)] = own.flatMap(kernelMembers).sort();
    }
  }
  return named;
}

/** A hash:net set holds no prefix of length 0. */
function kernelMembers(member: string): string[] {
  if (member === '0.0.0.0/0') return ['0.0.0.0/1', '128.0.0.0/1'];
  if (member === '::/0') return ['::/1', '8000::/1'];
  return [member.replace(/\/(32|128)$/, '')];
}

/** Chain of an endpoint → the policies that it has to jump to. */
function* listsOf(state: DataplaneState): Iterable<[string, readonly Policy['id'][]]> {
  const list = (tiers: readonly TierPolicies[], direction: Direction) => tiers.flatMap((tier) => tier[direction]);
  for (const { endpoint, tiers } of state.workloads.values()) {
    yield [`cali-tw-${endpoint.interfaceName}`, list(tiers, 'ingress')];
    yield [`cali-fw-${endpoint.interfaceName}`, list(tiers, 'egress')];
  }
  for (const { endpoint, tiers, forward } of state.hostEndpoints.values()) {
    const name = endpoint.interfaceName || 'eth0';
    yield [`cali-fh-${name}`, list(tiers, 'ingress')];
    yield [`cali-th-${name}`, list(tiers, 'egress')];
    yield [`cali-fhfw-${name}`, list(forward, 'ingress')];
    yield [`cali-thfw-${name}`, list(forward, 'egress')];
  }
}

function chainName({ namespace, name }: Policy['id']): string {
  return `${namespace ? `${namespace}/` : ''}default.${name}`;
}

class Kernel {
  readonly #dir: string;
  readonly #host: string;
  readonly #files = new Map<string, string>();

  constructor(dir: string, host: string) {
    this.#dir = dir;
    this.#host = host;
  }

  /** A file is recorded when it differs from the step before. */
  advance(step: string): void {
    const folder = readdirSync(this.#dir).find((name) => name.replace(/^\d+-/, '') === step);
    const path = `${this.#dir}/${folder}/${this.#host}`;
    for (const file of existsSync(path) ? readdirSync(path) : []) {
      this.#files.set(file, readFileSync(`${path}/${file}`, 'utf8'));
    }
  }

  /** IPv6 only where Felix was told to. */
  get families(): readonly number[] {
    return this.#lines('ipset.txt').some((line) => line.includes(' cali60')) ? [4, 6] : [4];
  }

  sets(): Record<string, string[]> {
    const sets: Record<string, string[]> = {};
    for (const [verb, name, member] of this.#lines('ipset.txt').map((line) => line.split(' '))) {
      if (!name || !/^cali[46]0[sn]:/.test(name)) continue;
      const members = sets[name] ?? [];
      sets[name] = members;
      if (verb === 'add') members.push(member as string);
    }
    for (const members of Object.values(sets)) members.sort();
    return sets;
  }

  /** The policies that the chain jumps to; names too long for a chain are hashed there, and taken from `expected`. */
  jumps(chain: string, expected: readonly Policy['id'][]): string[] {
    const lines = ['iptables-legacy.txt', 'iptables-nft.txt'].flatMap((file) => this.#lines(file));
    const rules = lines.filter((line) => line.startsWith(`-A ${chain} `));
    const targets = rules.flatMap((line) => / -j cali-p[io]-(\S+)/.exec(line)?.[1] ?? []);
    return targets.map((target, i) => {
      const id = expected[i];
      return target.startsWith('_') && id ? chainName(id) : target;
    });
  }

  #lines(file: string): readonly string[] {
    return (this.#files.get(file) ?? '').split('\n');
  }
}
