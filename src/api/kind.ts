/** What the code needs to know of a kind of resource. */
import * as z from 'zod';
import { embedded } from './fields.ts';
import type { Metadata } from './metadata.ts';

/** A plain JSON object; integers beyond 2^53 from the datastore are bigints. */
export interface Resource {
  apiVersion: 'projectcalico.org/v3';
  kind: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

export const API_VERSION = 'projectcalico.org/v3';

export interface KindInfo {
  readonly kind: string;
  /** The segment of its keys in etcd, and what people may call it. */
  readonly plural: string;
  /** Other names that people use on the command line, lower case. */
  readonly aliases: readonly string[];
  readonly namespaced: boolean;
  /** Reads what people write: rejects, fills in defaults, orders fields as they are stored. */
  readonly schema: z.ZodType<unknown>;
  /** The name in keys and values of the datastore. */
  storedName(name: string): string;
  nameFromStored(stored: string): string;
}

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly aliases?: readonly string[];
  readonly namespaced?: boolean;
  /** Called once, when it is first needed: building the schemas of all kinds takes longer than most commands do. */
  readonly schema: () => z.ZodType<unknown>;
  readonly storedName?: (name: string) => string;
  readonly nameFromStored?: (stored: string) => string;
}

export function defineKind({ schema: build, ...definition }: Definition): KindInfo {
  const same = (name: string) => name;
  let schema: z.ZodType<unknown> | undefined;
  return {
    aliases: [],
    namespaced: false,
    storedName: same,
    nameFromStored: same,
    ...definition,
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
