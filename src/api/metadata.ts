/** metadata of every resource. */
import * as z from 'zod';
import { type Check, int, list, map, refined, text } from './fields.ts';
import * as formats from './formats.ts';

export interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  /** RFC 3339, whole seconds, UTC. */
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** The datastore's revision of the last change. Never stored. */
  resourceVersion?: string;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
export const NAMESPACE_LABEL = 'projectcalico.org/namespace';
const time = () => text((value) => formats.matches(value, RFC3339, 'must be a time such as 2020-01-02T03:04:05Z'));

/** Kubernetes' other fields: accepted and left out, as upstream does. */
const dropped = {
  generateName: text(),
  selfLink: text(),
  generation: int(),
  deletionTimestamp: time(),
  deletionGracePeriodSeconds: int(),
  finalizers: list(z.unknown()),
  ownerReferences: list(z.unknown()),
  managedFields: list(z.unknown()),
  clusterName: text(),
};

const known = (labels: Check<Record<string, string>>) => ({
  uid: text(),
  creationTimestamp: time(),
  labels: map(labels),
  annotations: map(formats.annotations),
  resourceVersion: text(),
  ...dropped,
});

const name = (check: Check) => z.preprocess((value) => value ?? '', refined(z.string(), check));

/** Of a kind that has no namespace. */
export function clusterMetadata(nameCheck: Check) {
  const namespace = text(() => 'this kind has no namespace');
  return metadata({ name: name(nameCheck), namespace, ...known(ownLabels) });
}

/** Of a kind in a namespace: `default` when none is given. `labelCheck` is for kinds with labels of Calico's own. */
export function namespacedMetadata(nameCheck: Check, labelCheck: Check<Record<string, string>> = ownLabels) {
  const check: Check = (value) => formats.matches(value, /^[^/]{1,253}$/, "must be 1 to 253 characters without '/'");
  const namespace = z.preprocess((value) => value || 'default', refined(z.string(), check)).prefault('default');
  return metadata({ name: name(nameCheck), namespace, ...known(labelCheck) });
}

function metadata<T extends { name: z.ZodType<string> }>(shape: T) {
  return z.preprocess(
    (value) => value ?? {},
    z.strictObject(shape).transform((fields) => keep(fields as unknown as Metadata)),
  );
}

function keep(fields: Metadata): Metadata {
  const { name, namespace, uid, creationTimestamp, labels, annotations, resourceVersion } = fields;
  return { name, namespace, uid, creationTimestamp, labels, annotations, resourceVersion } as Metadata;
}

const ownLabels: Check<Record<string, string>> = (labels) =>
  NAMESPACE_LABEL in labels ? `label name '${NAMESPACE_LABEL}' is Calico's own` : formats.labels(labels);
