/** Is what is stored as it is wanted, and if not, what is to be written? */
import type { StoredResource } from './record.ts';

/** What a new resource gets. */
export interface Identity {
  readonly uid: string;
  readonly creationTimestamp: string;
}

/**
 * The text to write; null where what is stored says the same. A resource keeps its uid, its creation time and, unless it is an
 * endpoint, the labels and annotations that others gave it. Text that cannot be read is replaced.
 */
export function merged(stored: string | null, wanted: object, identity: () => Identity): string | null {
  const present = stored === null ? null : parsed(stored);
  if (!('kind' in wanted)) return present !== null && equal(present, wanted) ? null : JSON.stringify(wanted);
  const resource = wanted as StoredResource;
  const before = (present as Partial<StoredResource> | null)?.metadata;
  const { uid, creationTimestamp } = before?.uid && before.creationTimestamp ? (before as Identity) : identity();
  const foreign = resource.kind === 'WorkloadEndpoint' ? {} : foreignOf(before);
  const metadata = { ...foreign, ...resource.metadata, uid, creationTimestamp };
  const next = { ...resource, metadata };
  return present !== null && equal(present, next) ? null : JSON.stringify(next);
}

function foreignOf(metadata: StoredResource['metadata'] | undefined) {
  return {
    ...(metadata?.labels ? { labels: metadata.labels } : {}),
    ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
  };
}

function parsed(text: string): object | null {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Of values out of JSON; the order of an object's fields says nothing. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => name in b && equal((a as never)[name], (b as never)[name]));
}
