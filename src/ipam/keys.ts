/** Upstream's keys for allocation, and of what it depends on. */
import { resourceKey } from '../datastore/keys.ts';
import { addressOf, type Cidr, cidrOf, type Family, familyOf, type Ip, lengthOf, parseCidr } from '../net/index.ts';

const ROOT = '/calico/ipam/v2/';

export const CONFIG_KEY = `${ROOT}config`;
export const HANDLES = `${ROOT}handle/`;

export const POOLS = resourceKey('ippools', '');
export const RESERVATIONS = resourceKey('ipreservations', '');
export const NODES = resourceKey('nodes', '');
export const WORKLOAD_ENDPOINTS = resourceKey('workloadendpoints', '');

/** Who claims blocks: a host, or what gives addresses to load balancers (`virtual`; it is on no host). */
export interface Claimant {
  readonly type: 'host' | 'virtual';
  readonly name: string;
}

/** As in a block's `affinity`. */
export function affinityOf({ type, name }: Claimant): string {
  return `${type}:${name}`;
}

/** Null for an affinity that is no claimant's. */
export function claimantOf(affinity: string | null): Claimant | null {
  const match = /^(host|virtual):(.+)$/s.exec(affinity ?? '');
  return match && { type: match[1] as Claimant['type'], name: match[2] as string };
}

export function blockKey(block: Cidr): string {
  return `${blockPrefix(familyOf(block))}${fileName(block)}`;
}

export function blockPrefix(family: Family): string {
  return `${ROOT}assignment/ipv${family}/block/`;
}

export function affinityKey(claimant: Claimant, block: Cidr): string {
  return `${affinityPrefix(claimant, familyOf(block))}${fileName(block)}`;
}

export function affinityPrefix({ type, name }: Claimant, family: Family): string {
  return `${ROOT}${type}/${name}/ipv${family}/block/`;
}

/** Of all claimants of the type. */
export function affinitiesPrefix(type: Claimant['type']): string {
  return `${ROOT}${type}/`;
}

/** Whose affinity to which block the key names; null when it names none. */
export function parseAffinityKey(key: string): { claimant: Claimant; block: Cidr } | null {
  const match = /^(host|virtual)\/(.+)\/ipv[46]\/block\/([^/]+)$/s.exec(key.slice(ROOT.length));
  const block = match && parseCidr((match[3] as string).replace(/-(\d+)$/, '/$1'));
  return block && { claimant: { type: match[1] as Claimant['type'], name: match[2] as string }, block };
}

export function handleKey(handle: string): string {
  return `${HANDLES}${handle}`;
}

/** The block that a block's or an affinity's key names; null when it names none. */
export function blockOfKey(key: string): Cidr | null {
  const match = /([^/]+)-(\d+)$/.exec(key);
  return match && parseCidr(`${match[1]}/${match[2]}`);
}

/** Every block that could hold the address, whatever pools there are or were: 13 of them. */
export function blocksAround(address: Ip): Cidr[] {
  const shortest = familyOf(address) === 4 ? 20 : 116;
  return Array.from({ length: 13 }, (_, i) => cidrOf(address, shortest + i));
}

function fileName(block: Cidr): string {
  return `${addressOf(block)}-${lengthOf(block)}`;
}
