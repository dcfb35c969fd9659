/** The scenarios that upstream's Felix was recorded in: what was in the datastore at each step, and how Felix was configured. */
import { readFileSync } from 'node:fs';
import { CalcGraph, DataplaneState } from '../../src/calc/index.ts';
import { decode } from '../../src/datastore/decode/index.ts';
import { ip } from '../../src/net/index.ts';
import { DEFAULT_RULES_CONFIG, type RulesConfig } from '../../src/rules/index.ts';

export const FELIX = new URL('../vectors/felix/', import.meta.url);
export const SCENARIOS: Readonly<Record<string, Partial<RulesConfig>>> = {
  'policy-order': {},
  'profiles-and-labels': {},
  selectors: {},
  'namespaces-and-accounts': {},
  'ports-and-protocols': {},
  'nets-and-sets': {},
  'nat-outgoing': { endpointToHostAction: 'accept' },
  'host-endpoints': {},
  ipv6: {},
  'live-changes': {},
  'vxlan-always': { vxlan: true },
  'foreign-rules': { endpointToHostAction: 'return' },
  openstack: {
    interfacePrefixes: ['tap'],
    openstack: true,
    metadata: { address: ip('127.0.0.1'), port: 8775 },
  },
};
/** Configuration of one host only. */
const HOSTS: Readonly<Record<string, Partial<RulesConfig>>> = {
  'foreign-rules h2': { filterAllowAction: 'return' },
};

export interface Step {
  readonly name: string;
  /** Everything by key, as it was when the step was done. */
  readonly datastore: ReadonlyMap<string, unknown>;
}

export function stepsOf(scenario: string): Step[] {
  const changes = read(`${scenario}/recorded/datastore.json`) as Record<string, Record<string, unknown>>;
  const { steps } = read(`${scenario}/scenario.json`) as { steps: readonly { name: string }[] };
  const datastore = new Map<string, unknown>();
  return steps.map(({ name }) => {
    for (const [key, value] of Object.entries(changes[name] ?? {})) {
      if (value === null) datastore.delete(key);
      else datastore.set(key, value);
    }
    return { name, datastore: new Map(datastore) };
  });
}

export function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, FELIX), 'utf8'));
}

/** What calc tells a host of such a datastore. */
export function stateOf(host: string, { datastore }: Step): DataplaneState {
  const graph = new CalcGraph({ node: host });
  const state = new DataplaneState();
  graph.onUpdates([...datastore].map(([key, value]) => decode(key, JSON.stringify(value))).filter((u) => u !== null));
  graph.onStatus('in-sync');
  graph.flush((update) => state.apply(update));
  return state;
}

export function configOf(scenario: string, host: string, state: DataplaneState): RulesConfig {
  const tunnel = [...state.nodes.values()].some(({ id, ipv4VxlanTunnel }) => id.name === host && ipv4VxlanTunnel);
  return {
    ...DEFAULT_RULES_CONFIG,
    ...SCENARIOS[scenario],
    ...HOSTS[`${scenario} ${host}`],
    ...(tunnel && { addressedTunnels: ['vxlan4'] as const }),
  };
}

/** Addresses of a host's eth0. */
export function addressesOf(host: string) {
  const number = host.slice(1);
  return [ip(`172.30.0.1${number}`), ip(`fd00:30::1${number}`)] as const;
}
