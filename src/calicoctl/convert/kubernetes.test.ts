/** Policies of Kubernetes' manual, and what they become. */
import { expect, test } from 'vitest';
import { validate } from '../../api/index.ts';
import { convertObject } from './convert.ts';

const PODS = "projectcalico.org/orchestrator == 'k8s'";

function converted(spec: unknown): Record<string, unknown> | undefined {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p', namespace: 'n' },
    spec,
  };
  const resource = convertObject(policy);
  expect(validate(structuredClone(resource)).metadata).toMatchObject({ name: 'p', namespace: 'n' });
  return resource.spec;
}

test('all pods, nothing in', () => {
  expect(converted({ podSelector: {}, policyTypes: ['Ingress'] })).toEqual({
    order: 1000,
    selector: PODS,
    types: ['Ingress'],
  });
});

test('peers and ports', () => {
  const spec = converted({
    podSelector: { matchLabels: { role: 'db' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [
          { ipBlock: { cidr: '172.17.0.0/16', except: ['172.17.1.0/24'] } },
          { namespaceSelector: { matchLabels: { project: 'x' } } },
          { podSelector: { matchExpressions: [{ key: 'role', operator: 'NotIn', values: ['a', 'b'] }] } },
        ],
        ports: [
          { protocol: 'TCP', port: 6379 },
          { port: 80, endPort: 90 },
        ],
      },
    ],
    egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/24' } }], ports: [{ protocol: 'UDP', port: 'dns' }] }],
  });
  const match = { action: 'Allow', protocol: 'TCP', destination: { ports: [6379, '80:90'] } };
  expect(spec).toEqual({
    order: 1000,
    selector: `${PODS} && role == 'db'`,
    types: ['Ingress', 'Egress'],
    ingress: [
      { ...match, source: { nets: ['172.17.0.0/16'], notNets: ['172.17.1.0/24'] } },
      { ...match, source: { selector: PODS, namespaceSelector: "project == 'x'" } },
      { ...match, source: { selector: `${PODS} && role not in { 'a', 'b' }` } },
    ],
    egress: [{ action: 'Allow', protocol: 'UDP', source: {}, destination: { nets: ['10.0.0.0/24'], ports: ['dns'] } }],
  });
});

test('everything in, and every port of a protocol out', () => {
  expect(converted({ podSelector: {}, ingress: [{}], egress: [{ ports: [{ protocol: 'SCTP' }] }] })).toMatchObject({
    ingress: [{ action: 'Allow', source: {}, destination: {} }],
    egress: [{ action: 'Allow', protocol: 'SCTP', source: {}, destination: {} }],
    types: ['Ingress', 'Egress'],
  });
});

test('what it cannot read is named', () => {
  expect(() => converted({ podSelector: {}, ingres: [] })).toThrow(/ingres/);
});
