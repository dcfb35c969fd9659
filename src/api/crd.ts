/** The CustomResourceDefinition of a kind: how Kubernetes stores it, in group crd.projectcalico.org/v1. */
import { type JsonSchema, jsonSchema } from './json-schema.ts';
import type { KindInfo } from './kind.ts';
import { at } from './shape.ts';

const GROUP = 'crd.projectcalico.org';

export function customResourceDefinition({ kind, plural, namespaced, schema }: KindInfo): object {
  const [spec, status] = ['spec', 'status'].map((part) => at(schema as never, [part]));
  const properties = {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    ...(spec && { spec: kept(jsonSchema(spec)) }),
    ...(status && { status: kept(jsonSchema(status)) }),
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      preserveUnknownFields: false,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } },
      ],
    },
  };
}

/** What newer versions put there stays. */
function kept(schema: JsonSchema): JsonSchema {
  return { ...structural(schema), 'x-kubernetes-preserve-unknown-fields': true };
}

/** As Kubernetes wants schemas: every place has one type, or says that it has several. */
function structural(schema: JsonSchema): JsonSchema {
  const { anyOf, additionalProperties, properties, items, const: word, default: _, ...rest } = schema;
  if (anyOf) return severalTypes(anyOf as JsonSchema[]);
  return {
    ...rest,
    ...(word !== undefined && { enum: [word] }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties as Record<string, JsonSchema>).map(([name, field]) => [name, structural(field)]),
      ),
    }),
    ...(items !== undefined && { items: structural(items as JsonSchema) }),
    ...(additionalProperties ? { additionalProperties: structural(additionalProperties as JsonSchema) } : {}),
  };
}

function severalTypes(types: readonly JsonSchema[]): JsonSchema {
  const names = new Set(types.map(({ type }) => type));
  const [only] = types.filter(({ type }) => type !== 'null');
  if (names.has('null') && types.length === 2 && only) return { ...structural(only), nullable: true };
  const numberOrText = [...names].every((name) => name === 'number' || name === 'integer' || name === 'string');
  return names.size > 1 && numberOrText
    ? { 'x-kubernetes-int-or-string': true }
    : { 'x-kubernetes-preserve-unknown-fields': true };
}
