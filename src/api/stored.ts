/** Resources as JSON texts in the datastore. */
import type * as z from 'zod';
import { CalicoError } from '../errors/index.ts';
import { parseJson, toJson } from './json.ts';
import type { KindInfo, Resource } from './kind.ts';
import { KIND_NAMES } from './kind-names.ts';
import { KINDS } from './kinds.ts';
import type { Metadata } from './metadata.ts';
import { usesNewer } from './newer.ts';
import { originalName } from './original-name.ts';
import { elementOf, fieldsOf, isEmbedded } from './shape.ts';

const METADATA = ['name', 'namespace', 'uid', 'creationTimestamp', 'labels', 'annotations'] as const;

/**
 * The JSON text that upstream writes: its order of fields, the stored name, no resourceVersion. Fields unknown to the schema come after the known ones. `storedName`: where the resource is stored
 * under another name already (a policy that a newer version wrote).
 */
export function toStored(resource: Resource, storedName?: string): string {
  const info = KINDS[resource.kind];
  const { kind, apiVersion, metadata, ...rest } = info ? arranged(resource, info, false) : resource;
  const { resourceVersion: _, ...stored } = metadata;
  const name = storedName ?? storedNameOf(resource);
  return toJson({ kind, apiVersion, metadata: { ...stored, name }, ...rest });
}

/** The name under which a new resource is stored. Policies of newer versions, which say their tier, have it as it is. */
export function storedNameOf({ kind, metadata, spec }: Resource): string {
  const info = KINDS[kind];
  return info && spec?.tier === undefined ? info.storedName(metadata.name) : metadata.name;
}

/** The resource with its fields in the order in which they are stored, and the empty structs that its version writes. */
export function inStoredOrder(resource: Resource): Resource {
  const info = KINDS[resource.kind];
  if (!info) throw new CalicoError('E_UNKNOWN_KIND', resource.kind, 'not a kind of resource');
  return arranged(resource, info, !isNewer(resource, info));
}

function arranged(resource: Resource, info: KindInfo, empties: boolean): Resource {
  const { metadata: _, kind: __, apiVersion: ___, ...parts } = fieldsOf(info.schema);
  const { kind, apiVersion, metadata, ...rest } = resource;
  const body = ordered(rest, parts, empties) as Pick<Resource, 'spec'>;
  const first = (body.spec && isNewer(resource, info) && info.newerForm?.first) || [];
  if (first.length > 0) body.spec = withFirst(body.spec as Record<string, unknown>, first);
  return { kind, apiVersion, metadata: orderedMetadata(metadata), ...body } as Resource;
}

function isNewer(resource: Resource, { newerForm, schema }: KindInfo): boolean {
  return newerForm !== undefined && usesNewer(resource, schema);
}

function withFirst(spec: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const first = names.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]);
  return { ...Object.fromEntries(first), ...spec };
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
  const { name: stored, annotations } = resource.metadata;
  const name = originalName(annotations) ?? KIND_NAMES[resource.kind]?.nameFromStored(stored) ?? stored;
  return { ...resource, metadata: { ...resource.metadata, name } };
}

/** The value with known fields first, in the schema's order, and (`empties`) empty structs added. */
function order(value: unknown, schema: z.ZodType, empties: boolean): unknown {
  if (Array.isArray(value)) {
    const element = elementOf(schema);
    return element ? value.map((member) => order(member, element, empties)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = fieldsOf(schema);
  return Object.keys(fields).length > 0
    ? ordered(value as Record<string, unknown>, fields, empties)
    : sorted(value as Record<string, unknown>);
}

function ordered(
  value: Record<string, unknown>,
  fields: Readonly<Record<string, z.ZodType>>,
  empties: boolean,
): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [key, schema] of Object.entries(fields)) {
    if (value[key] !== undefined) entries.push([key, order(value[key], schema, empties)]);
    else if (empties && isEmbedded(schema)) entries.push([key, order({}, schema, empties)]);
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
