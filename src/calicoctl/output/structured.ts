/** Resources as YAML and JSON. */
import { inStoredOrder, type Resource, toJson } from '../../api/index.ts';
import { yamlText } from './yaml-text.ts';

/** A list as the API has it. */
export interface ResourceList {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly resourceVersion?: string };
  readonly items: readonly unknown[];
}

/** The resource with metadata in the usual order; `export`: without what belongs to this cluster. */
export function shown(resource: Resource, exported: boolean): Record<string, unknown> {
  const { kind, apiVersion, metadata, ...parts } = inStoredOrder(resource);
  const { name, namespace, uid, resourceVersion, creationTimestamp, ...rest } = metadata;
  const own = exported
    ? { creationTimestamp: null }
    : { uid, resourceVersion, creationTimestamp: creationTimestamp ?? null };
  return { kind, apiVersion, metadata: { name, ...(exported ? {} : { namespace }), ...own, ...rest }, ...parts };
}

export function listOf(kind: string, resourceVersion: string, items: readonly unknown[]): ResourceList {
  return { kind: `${kind}List`, apiVersion: 'projectcalico.org/v3', metadata: { resourceVersion }, items };
}

export function json(value: unknown): string {
  return `${toJson(value, 2)}\n`;
}

export const yaml = yamlText;
