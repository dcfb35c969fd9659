/**
 * The inputs of upstream's own validator tests: parts of resources, put into a resource that is valid without them. Where the
 * two versions differ, what calicoctl of v3.15 says counts; test/vectors/differences.json has those rows.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { KINDS, validate } from './index.ts';

interface Row {
  type: string;
  value: Record<string, unknown>;
  error: string | null;
}

const VECTORS = new URL('../../test/vectors/', import.meta.url);
const read = <T>(file: string) => JSON.parse(readFileSync(new URL(file, VECTORS), 'utf8')) as T;
const TABLES = ['validator-v3.15.0.json', 'validator-v3.34-dev.json'];
const DIFFERENCES = read<({ suite: string; table: string; why: string } & Row)[]>('differences.json').filter(
  ({ suite }) => suite === 'validator',
);

const whole = (kind: string, spec: unknown) => ({
  apiVersion: 'projectcalico.org/v3',
  kind,
  metadata: { name: kind === 'KubeControllersConfiguration' ? 'default' : 'x' },
  spec,
});
const withRule = (rule: object) => whole('GlobalNetworkPolicy', { ingress: [{ action: 'Allow', ...rule }] });
const withController = (name: string) => (value: object) =>
  whole('KubeControllersConfiguration', { controllers: { [name]: value } });
const WORKLOAD = { node: 'n', orchestrator: 'k8s', pod: 'p', endpoint: 'e' };

const PARTS: Readonly<Record<string, (value: never) => object>> = {
  Rule: (rule) => whole('GlobalNetworkPolicy', { ingress: [rule] }),
  EntityRule: (source: object) => withRule({ protocol: 'TCP', source }),
  ICMPFields: (icmp: object) => withRule({ protocol: 'ICMP', icmp }),
  HTTPMatch: (http: object) => withRule({ http }),
  Protocol: (protocol: unknown) => withRule({ protocol }),
  EndpointPort: (port: object) => whole('HostEndpoint', { node: 'n', interfaceName: 'eth0', ports: [port] }),
  WorkloadEndpointPort: (port: object) => workload({ ...WORKLOAD, interfaceName: 'eth0', ports: [port] }),
  ProtoPort: (port: object) => whole('FelixConfiguration', { failsafeInboundHostPorts: [port] }),
  IPNAT: (nat: { internalIP: string }) =>
    workload({ ...WORKLOAD, interfaceName: 'eth0', ipNetworks: [nat.internalIP], ipNATs: [nat] }),
  WorkloadEndpointSpec: (spec: object) => workload({ ...WORKLOAD, ...spec }),
  BGPFilterRuleV4: (rule: object) => whole('BGPFilter', { exportV4: [rule] }),
  BGPFilterRuleV6: (rule: object) => whole('BGPFilter', { exportV6: [rule] }),
  BGPFilterOperation: (operation: object) =>
    whole('BGPFilter', { exportV4: [{ action: 'Accept', operations: [operation] }] }),
  NodeControllerConfig: withController('node'),
  ServiceAccountControllerConfig: withController('serviceAccount'),
  Template: (template: object) => withController('node')({ hostEndpoint: { templates: [template] } }),
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

describe.each(TABLES)('verdicts in %s', (table) => {
  test.each(
    read<Row[]>(`validation/tables/${table}`).map((row) => [row.type, JSON.stringify(row.value), row] as const),
  )('%s %s', (type, value, row) => {
    const difference = DIFFERENCES.find(
      (listed) => listed.table === table && listed.type === type && JSON.stringify(listed.value) === value,
    );
    let problem: unknown = null;
    try {
      validate(resourceOf(row));
    } catch (error) {
      problem = error;
    }
    expect(problem === null || problem instanceof CalicoError).toBe(true);
    expect(problem === null, difference?.why ?? String(problem ?? row.error)).toBe(
      (row.error === null) !== !!difference,
    );
  });
});
