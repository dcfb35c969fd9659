/**
 * Names of chains and sets in the kernel: the same as upstream's, so that one can take over from the other in place.
 */
import { createHash } from 'node:crypto';
import type { Direction, ResourceId } from '../model/index.ts';
import type { Family } from '../net/index.ts';

/** iptables has room for 29 bytes with the terminator. */
const MAX_CHAIN = 28;
/** The kernel's limit for the name of a set, without the terminator. */
const MAX_SET = 31;

/**
 * `prefix` and `suffix`, or when that is longer than `max` bytes, prefix, `_` and as much of the suffix's hash as fits.
 * A full-length name that looks hashed is hashed too, so that no suffix can collide with another's hash.
 */
export function lengthLimited(prefix: string, suffix: string, max: number): string {
  const whole = prefix + suffix;
  const length = Buffer.byteLength(whole);
  if (length < max || (length === max && !suffix.startsWith('_'))) return whole;
  return hashed(prefix, suffix, max);
}

function hashed(prefix: string, suffix: string, max: number): string {
  return `${prefix}_${createHash('sha256').update(suffix).digest('base64url')}`.slice(0, max);
}

const POLICY = { ingress: 'cali-pi-', egress: 'cali-po-' };
const PROFILE = { ingress: 'cali-pri-', egress: 'cali-pro-' };

/**
 * Names of these characters are written as they are, as upstream writes all: none means anything to iptables-restore. A
 * resource may have been stored past every validation.
 */
const PLAIN = /^[\p{L}\p{N}_./:*@+-]*$/u;

/** Names that are not plain are hashed like long ones. */
function chainName(prefix: string, suffix: string): string {
  return PLAIN.test(suffix) ? lengthLimited(prefix, suffix, MAX_CHAIN) : hashed(prefix, suffix, MAX_CHAIN);
}

/** `storedName` is the policy's name in the datastore, with its tier's prefix. */
export function policyChainName(direction: Direction, policy: { id: ResourceId; storedName: string }): string {
  const { namespace } = policy.id;
  const name = namespace ? `${namespace}/${policy.storedName}` : policy.storedName;
  return chainName(POLICY[direction], name);
}

export function profileChainName(direction: Direction, profile: string): string {
  return chainName(PROFILE[direction], profile);
}

const ENDPOINT = {
  toWorkload: 'cali-tw-',
  fromWorkload: 'cali-fw-',
  toHost: 'cali-th-',
  fromHost: 'cali-fh-',
  toHostForward: 'cali-thfw-',
  fromHostForward: 'cali-fhfw-',
};
export type EndpointChain = keyof typeof ENDPOINT;

/** What stands for the interface in the chains of a host endpoint on every interface. */
export const ANY_INTERFACE = 'any-interface-at-all';

export function endpointChainName(kind: EndpointChain, interfaceName: string): string {
  return chainName(ENDPOINT[kind], interfaceName);
}

export function dispatchChainName(root: string, path: string): string {
  return path === '' ? root : chainName(`${root}-`, path);
}

/** Kernel name of a set of one family: `cali40s:…`, `cali60n:…`. */
export function ipsetName(id: string, family: Family): string {
  return `cali${family}0${id}`.slice(0, MAX_SET);
}

/** Sets that are not selectors': pools, and the addresses of hosts. */
export const ALL_POOLS = 'all-ipam-pools';
export const MASQUERADED_POOLS = 'masq-ipam-pools';
export const ALL_HOSTS = 'all-hosts-net';
export const VXLAN_HOSTS = 'all-vxlan-net';
/** Sets that chains name which depend on configuration only. */
export const STATIC_SETS: readonly string[] = [ALL_HOSTS, VXLAN_HOSTS];
