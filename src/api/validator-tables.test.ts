/** The inputs of upstream's own validator tests: parts of resources, put into a resource that is valid without them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { KINDS, validate } from './index.ts';

interface Row {
  type: string;
  value: Record<string, unknown>;
  error: string | null;
}

const rows = (
  JSON.parse(
    readFileSync(new URL('../../test/vectors/validation/tables/validator-v3.15.0.json', import.meta.url), 'utf8'),
  ) as Row[]
).filter(({ type }) => !/Controller/.test(type));

/** Row numbers whose verdict here is another, and why. */
const DIFFERENT: Readonly<Record<number, string>> = {
  29: 'calicoctl accepts any protocol of a failsafe port: its validation does not look into the list',
};

const whole = (kind: string, spec: unknown) => ({
  apiVersion: 'projectcalico.org/v3',
  kind,
  metadata: { name: 'x' },
  spec,
});
const withRule = (rule: object) => whole('GlobalNetworkPolicy', { ingress: [{ action: 'Allow', ...rule }] });
const WORKLOAD = { node: 'n', orchestrator: 'k8s', pod: 'p', endpoint: 'e' };

const PARTS: Readonly<Record<string, (value: never) => object>> = {
  Rule: (rule) => whole('GlobalNetworkPolicy', { ingress: [rule] }),
  EntityRule: (source: object) => withRule({ protocol: 'TCP', source }),
  ICMPFields: (icmp: object) => withRule({ protocol: 'ICMP', icmp }),
  HTTPMatch: (http: object) => withRule({ http }),
  Protocol: (protocol: unknown) => withRule({ protocol }),
  EndpointPort: (port: object) => whole('HostEndpoint', { node: 'n', interfaceName: 'eth0', ports: [port] }),
  ProtoPort: (port: object) => whole('FelixConfiguration', { failsafeInboundHostPorts: [port] }),
  IPNAT: (nat: { internalIP: string }) =>
    workload({ ...WORKLOAD, interfaceName: 'eth0', ipNetworks: [nat.internalIP], ipNATs: [nat] }),
  WorkloadEndpointSpec: (spec: object) => workload({ ...WORKLOAD, ...spec }),
};

function workload(spec: object): object {
  return { ...whole('WorkloadEndpoint', spec), metadata: {} };
}

function resourceOf({ type, value }: Row): object {
  const part = PARTS[type];
  if (part) return part(value as never);
  if (type in KINDS) return { apiVersion: 'projectcalico.org/v3', kind: type, ...value };
  return whole(type.replace(/Spec$/, ''), value);
}

describe('verdicts of upstream', () => {
  test.each(rows.map((row, index) => [index, row.type, JSON.stringify(row.value), row] as const))(
    '%i %s %s',
    (index, _type, _value, row) => {
      const expected = index in DIFFERENT ? row.error !== null : row.error === null;
      let problem: unknown = null;
      try {
        validate(resourceOf(row));
      } catch (error) {
        problem = error;
      }
      expect(problem === null || problem instanceof CalicoError).toBe(true);
      expect(problem === null, DIFFERENT[index] ?? String(problem ?? row.error)).toBe(expected);
    },
  );
});
