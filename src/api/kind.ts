/** What the code needs to know of a kind of resource. */
import * as z from 'zod';
import { embedded } from './fields.ts';
import { KIND_NAMES, type KindName } from './kind-names.ts';
import type { Metadata } from './metadata.ts';
import type { NewerForm } from './newer.ts';

/** A plain JSON object; integers beyond 2^53 from the datastore are bigints. */
export interface Resource {
  apiVersion: 'projectcalico.org/v3';
  kind: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

export const API_VERSION = 'projectcalico.org/v3';

export interface KindInfo extends KindName {
  readonly newerForm?: NewerForm;
  /** Reads what people write: rejects, fills in defaults, orders fields as they are stored. */
  readonly schema: z.ZodType<unknown>;
}

/** `build` is called once, when it is first needed: building the schemas of all kinds takes longer than most commands do. */
export function defineKind(kind: string, build: () => z.ZodType<unknown>, newerForm?: NewerForm): KindInfo {
  let schema: z.ZodType<unknown> | undefined;
  return {
    ...(KIND_NAMES[kind] as KindName),
    ...(newerForm && { newerForm }),
    get schema() {
      schema ??= build();
      return schema;
    },
  };
}

/** The schema of a whole resource; fields in the order in which upstream stores them. */
export function resourceSchema<K extends string, M extends z.ZodType, P extends z.core.$ZodLooseShape>(
  kind: K,
  metadata: M,
  parts: P,
) {
  return z.strictObject({
    kind: z.literal(kind),
    apiVersion: z.literal(API_VERSION),
    metadata,
    ...parts,
  });
}

/** `spec` or `status`: always written. */
export function part<T extends z.core.$ZodLooseShape>(shape: T) {
  return embedded(z.strictObject(shape));
}
