/**
 * What Calico v3.15 does not know. A resource that uses it is written as the versions that do know it write it (v3.34):
 * with their defaults, and without what they leave out. All others are written as v3.15 writes them, for both read those.
 */
import type * as z from 'zod';
import type { Resource } from './kind.ts';
import { elementOf, fieldsOf } from './shape.ts';

const NEWER = new WeakSet<z.ZodType>();

/** Fields that v3.15 does not know. */
export function newer<T extends Readonly<Record<string, z.ZodType>>>(fields: T): T {
  for (const field of Object.values(fields)) NEWER.add(field);
  return fields;
}

/** How a kind's resources are written once they are of newer versions. */
export interface NewerForm {
  /** Changes a valid resource from the form of v3.15 to the newer one. */
  convert(resource: Resource): void;
  /** Fields of spec that come first, where newer versions' order is another. */
  readonly first?: readonly string[];
  /** Is the resource of newer versions, whatever its fields? */
  is?(resource: Resource): boolean;
}

/** Does the value have a field that v3.15 does not know? */
export function usesNewer(value: unknown, schema: z.ZodType): boolean {
  if (Array.isArray(value)) {
    const element = elementOf(schema);
    return element !== undefined && value.some((member) => usesNewer(member, element));
  }
  if (typeof value !== 'object' || value === null) return false;
  const fields = fieldsOf(schema);
  return Object.entries(value).some(([name, field]) => {
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return known !== undefined && (NEWER.has(known) || usesNewer(field, known));
  });
}

/** Newer versions leave the empty sides of rules out. */
export function dropEmptySides({ spec = {} }: Resource): void {
  for (const rules of [spec.ingress, spec.egress])
    for (const rule of (rules ?? []) as Record<string, unknown>[])
      for (const side of ['source', 'destination']) if (Object.keys(rule[side] ?? {}).length === 0) delete rule[side];
}

/** A NewerForm's `convert` that fills in fields of spec. */
export function specDefaults(defaults: Readonly<Record<string, unknown>>): (resource: Resource) => void {
  return (resource) => {
    resource.spec = { ...defaults, ...resource.spec };
  };
}
