/** Resources as JSON texts in the datastore. */
import type * as z from 'zod';
import { CalicoError } from '../errors/index.ts';
import { toJson } from './json.ts';
import type { Resource } from './kind.ts';
import { KINDS } from './kinds.ts';
import type { Metadata } from './metadata.ts';
import { elementOf, fieldsOf, isEmbedded } from './shape.ts';

const METADATA = ['name', 'namespace', 'uid', 'creationTimestamp', 'labels', 'annotations'] as const;

/**
 * The JSON text that upstream writes: its order of fields, `{}` where it writes empty structs, the stored name, no
 * resourceVersion. Fields unknown to the schema come after the known ones. `storedName`: where the resource is stored
 * under another name already (a policy that a newer version wrote).
 */
export function toStored(resource: Resource, storedName?: string): string {
  const { metadata, ...parts } = inStoredOrder(resource);
  const { resourceVersion: _, ...stored } = metadata;
  const { kind, apiVersion, ...rest } = parts;
  const name = storedName ?? KINDS[kind]?.storedName(metadata.name) ?? metadata.name;
  return toJson({ kind, apiVersion, metadata: { ...stored, name }, ...rest });
}

/** The resource with its fields in the order in which they are stored, and the empty structs that are always written. */
export function inStoredOrder(resource: Resource): Resource {
  const info = KINDS[resource.kind];
  if (!info) throw new CalicoError('E_UNKNOWN_KIND', resource.kind, 'not a kind of resource');
  const { metadata: _, ...parts } = fieldsOf(info.schema);
  const { kind, apiVersion, metadata, ...rest } = resource;
  return {
    kind,
    apiVersion,
    metadata: orderedMetadata(metadata),
    ...ordered(rest, parts, ['kind', 'apiVersion']),
  } as Resource;
}

/** The resource of a stored text, of whatever version wrote it: unknown fields and integers beyond 2^53 are kept. Throws E_DATASTORE. */
export function fromStored(text: string): Resource {
  const resource = parseJson(text) as Resource;
  if (
    typeof resource !== 'object' ||
    resource === null ||
    typeof resource.kind !== 'string' ||
    typeof resource.metadata?.name !== 'string'
  )
    throw new CalicoError('E_DATASTORE', 'stored resource', 'is not a resource: it has no kind or name');
  const name = KINDS[resource.kind]?.nameFromStored(resource.metadata.name) ?? resource.metadata.name;
  return { ...resource, metadata: { ...resource.metadata, name } };
}

/** JSON with integers beyond 2^53 as bigints; toJson writes it back as it was. Throws E_DATASTORE. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, ((_key: string, value: unknown, context: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
        ? BigInt(context.source as string)
        : value) as Parameters<typeof JSON.parse>[1]);
  } catch (cause) {
    throw new CalicoError('E_DATASTORE', 'stored resource', 'is not JSON', { cause });
  }
}

/** The value with known fields first, in the schema's order, and empty structs added. */
function order(value: unknown, schema: z.ZodType): unknown {
  if (Array.isArray(value)) {
    const element = elementOf(schema);
    return element ? value.map((member) => order(member, element)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = fieldsOf(schema);
  return Object.keys(fields).length > 0
    ? ordered(value as Record<string, unknown>, fields)
    : sorted(value as Record<string, unknown>);
}

function ordered(
  value: Record<string, unknown>,
  fields: Readonly<Record<string, z.ZodType>>,
  except: readonly string[] = [],
): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [key, schema] of Object.entries(fields)) {
    if (except.includes(key)) continue;
    if (value[key] !== undefined) entries.push([key, order(value[key], schema)]);
    else if (isEmbedded(schema)) entries.push([key, order({}, schema)]);
  }
  const unknown = Object.entries(value).filter(([key]) => !Object.hasOwn(fields, key));
  return Object.fromEntries([...entries, ...unknown]);
}

function orderedMetadata(metadata: Metadata): Metadata {
  const known: [string, unknown][] = [];
  for (const key of METADATA) {
    const field = metadata[key];
    if (field !== undefined) known.push([key, typeof field === 'object' ? sorted(field) : field]);
  }
  const others = Object.entries(metadata).filter(([key]) => !(METADATA as readonly string[]).includes(key));
  return Object.fromEntries([...known, ...others]) as unknown as Metadata;
}

/** Maps are written sorted by key. */
function sorted(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
