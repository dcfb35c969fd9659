/** Names that the v3 API takes, from those of the v1 API: the same that upstream's conversion gives. */
import { createHash } from 'node:crypto';
import { bytesOf, type Cidr, familyOf, type Ip } from '../../net/index.ts';

/** A node's name. Names that differ in what is replaced only become one. */
export function nodeName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('/', '.')
    .replace(/[^-.a-z0-9]+/g, '-')
    .replace(/[.-]*\.[.-]*/g, '.')
    .replace(/^[.-]+|[.-]+$/g, '');
}

/** Any other name: one that had to be changed gets a hash of what it was, so that two names stay two. */
export function resourceName(name: string): string {
  return qualified(name, nodeName(name));
}

/** The name of a policy, which may hold no dots: they set off the tier. */
export function policyName(name: string): string {
  return qualified(name, nodeName(name).replaceAll('.', '-'));
}

/** Profiles of Kubernetes' namespaces were `k8s_ns.NAME`, and are `kns.NAME`. */
export function profileName(name: string): string {
  return resourceName(name.replace(/^k8s_ns\./, 'kns.'));
}

/** `10-0-0-1`, or all of an IPv6 address: `fd00-0000-…-0001`. */
export function addressName(address: Ip): string {
  if (familyOf(address) === 4) return address.replaceAll('.', '-');
  const hex = Buffer.from(bytesOf(address)).toString('hex');
  return (hex.match(/.{4}/g) as string[]).join('-');
}

export function cidrName(cidr: Cidr): string {
  return cidr.replaceAll(/[.:/]/g, '-');
}

function qualified(before: string, after: string): string {
  return before === after ? after : `${after}-${createHash('sha1').update(before).digest('hex').slice(0, 8)}`;
}
