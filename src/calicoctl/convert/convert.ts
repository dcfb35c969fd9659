/** From what a file holds to a resource of the v3 API. */
import type * as z from 'zod';
import { nearMiss, type Resource } from '../../api/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { CONVERSIONS } from './kinds.ts';
import { convertKubernetesPolicy, KUBERNETES_POLICY } from './kubernetes.ts';
import { V1, type V1Kind } from './v1.ts';

/** Throws E_UNKNOWN_KIND, or E_INVALID with every field that is wrong. */
export function convertObject(object: unknown): Resource {
  const { apiVersion, kind, ...parts } = (object ?? {}) as Record<string, unknown>;
  if (kind === 'NetworkPolicy' && /^(networking\.k8s\.io\/v1|extensions\/v1beta1)$/.test(String(apiVersion)))
    return convertKubernetesPolicy(read(`${kind} of Kubernetes`, KUBERNETES_POLICY, parts));
  if (apiVersion !== 'v1' || typeof kind !== 'string' || !Object.hasOwn(V1, kind)) throw unknown(apiVersion, kind);
  const known = kind as V1Kind;
  return convertKnown(known, parts);
}

function convertKnown<K extends V1Kind>(kind: K, parts: unknown): Resource {
  const resource = read(kind, V1[kind] as unknown as z.ZodType<never>, parts);
  return (CONVERSIONS[kind] as (resource: never) => Resource)(resource);
}

function read<T>(kind: string, schema: z.ZodType<T>, parts: Record<string, unknown> | unknown): T {
  const result = schema.safeParse(parts);
  if (result.success) return result.data;
  const { name } = ((parts as { metadata?: { name?: unknown } }).metadata ?? {}) as { name?: unknown };
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'resource'}: ${message}`);
  throw new CalicoError('E_INVALID', typeof name === 'string' ? `${kind} ${name}` : kind, problems.join('; '));
}

function unknown(apiVersion: unknown, kind: unknown): CalicoError {
  const near = typeof kind === 'string' ? nearMiss(kind, Object.keys(V1)) : undefined;
  if (apiVersion === 'projectcalico.org/v3')
    return new CalicoError('E_UNKNOWN_KIND', String(kind), 'is of the v3 API already', {
      hint: 'calicoctl create, apply or replace take it as it is',
    });
  return new CalicoError(
    'E_UNKNOWN_KIND',
    String(kind),
    `is no kind of apiVersion ${String(apiVersion)} that can be converted`,
    {
      hint: near && apiVersion === 'v1' ? `did you mean ${near}?` : `apiVersion v1: ${Object.keys(V1).join(', ')}`,
    },
  );
}
