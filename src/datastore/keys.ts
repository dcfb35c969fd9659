/** Keys of the datastore, as upstream writes them. */
import type { KindName } from '../api/index.ts';

export const RESOURCES = '/calico/resources/v3/projectcalico.org/';
export const IPAM_BLOCKS = '/calico/ipam/v2/assignment/';

/** `/calico/resources/v3/projectcalico.org/<plural>/[<namespace>/]<stored name>` */
export function resourceKey(plural: string, storedName: string, namespace?: string): string {
  return `${RESOURCES}${plural}/${namespace ? `${namespace}/` : ''}${storedName}`;
}

/**
 * The names under which a resource may be stored, the one that counts first: v3.15 stores a policy `p` as `default.p`,
 * newer versions as `p`, and people may call it either. Policies of other tiers, and those that Kubernetes or OpenStack
 * made, have one name only.
 */
export function storedNames(info: KindName, name: string): string[] {
  const plain = info.nameFromStored(name);
  const stored = info.storedName(plain);
  return stored === plain ? [stored] : [stored, plain];
}

export interface ResourceLocation {
  readonly plural: string;
  readonly storedName: string;
  readonly namespace?: string;
}

/** What a key under RESOURCES names; null when it is none. The plural is not looked up. */
export function parseResourceKey(key: string): ResourceLocation | null {
  const parts = key.startsWith(RESOURCES) ? key.slice(RESOURCES.length).split('/') : [];
  const [plural, a, b] = parts;
  if (!plural || !a || parts.length > 3) return null;
  if (parts.length === 2) return { plural, storedName: a };
  return b ? { plural, namespace: a, storedName: b } : null;
}
