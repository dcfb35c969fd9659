/**
 * Keys of the datastore, as upstream writes them.
 *
 * A policy `p` is stored as `default.p` (v3.15) or as `p` (newer); policies that Kubernetes or OpenStack made
 * (`knp.…`, `ossg.…`) always as they are. Whoever looks for one accepts both forms; `default.p` is what we write.
 */
export const RESOURCES = '/calico/resources/v3/projectcalico.org/';
export const IPAM_BLOCKS = '/calico/ipam/v2/assignment/';

const VERBATIM = /^(default|knp|ossg)\./;

/** `/calico/resources/v3/projectcalico.org/<plural>/[<namespace>/]<stored name>` */
export function resourceKey(plural: string, storedName: string, namespace?: string): string {
  return `${RESOURCES}${plural}/${namespace ? `${namespace}/` : ''}${storedName}`;
}

/** The names under which a policy may be stored, ours first. */
export function storedPolicyNames(name: string): string[] {
  if (/^(knp|ossg)\./.test(name)) return [name];
  return VERBATIM.test(name) ? [`default.${name}`] : [`default.${name}`, name];
}

/** The policy's own name. */
export function policyNameOf(storedName: string): string {
  return storedName.startsWith('default.') ? storedName.slice('default.'.length) : storedName;
}

export interface ParsedKey {
  readonly plural: string;
  readonly storedName: string;
  readonly namespace?: string;
}

/** What a key under RESOURCES names; null when it is none of ours. The plural is not looked up. */
export function parseResourceKey(key: string): ParsedKey | null {
  const parts = key.startsWith(RESOURCES) ? key.slice(RESOURCES.length).split('/') : [];
  const [plural, a, b] = parts;
  if (!plural || !a || parts.length > 3) return null;
  if (parts.length === 2) return { plural, storedName: a };
  return b ? { plural, namespace: a, storedName: b } : null;
}
