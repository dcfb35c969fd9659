/** StagedKubernetesNetworkPolicy: a NetworkPolicy of Kubernetes that is not enforced yet. */
import * as z from 'zod';
import { embedded, intOrUnset, item, list, map, omitted, struct, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { namespacedMetadata } from '../metadata.ts';
import { reporter } from '../report.ts';
import { checkStaged, stagedAction } from '../staged.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

const labelSelector = () => ({
  matchLabels: map(),
  matchExpressions: list(z.strictObject({ key: item(), operator: z.enum(OPERATORS), values: list(item()) })),
});

const peer = () =>
  z.strictObject({
    podSelector: struct(labelSelector()),
    namespaceSelector: struct(labelSelector()),
    ipBlock: struct({ cidr: item(formats.cidr), except: list(item(formats.cidr)) }),
  });

const port = () =>
  z.strictObject({
    protocol: text(),
    port: omitted(z.union([z.int(), z.string()])),
    endPort: intOrUnset({ min: 1, max: 65535 }),
  });

const spec = () =>
  part({
    ...stagedAction(),
    podSelector: embedded(z.strictObject(labelSelector())),
    ingress: list(z.strictObject({ ports: list(port()), from: list(peer()) })),
    egress: list(z.strictObject({ ports: list(port()), to: list(peer()) })),
    /** Any words, as upstream. */
    policyTypes: list(item()),
  });

const schema = () =>
  resourceSchema('StagedKubernetesNetworkPolicy', namespacedMetadata(formats.name), { spec: spec() }).superRefine(
    ({ spec }, context) => checkStaged(spec, reporter(context)),
  );

export const stagedKubernetesNetworkPolicy = defineKind('StagedKubernetesNetworkPolicy', schema);
