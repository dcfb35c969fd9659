/** Upstream's keys for allocation, and the little JSON beside the blocks. */
import { addressOf, type Cidr, cidr, type Family, familyOf, lengthOf } from '../net/index.ts';

const ROOT = '/calico/ipam/v2/';

export const CONFIG_KEY = `${ROOT}config`;

export function blockKey(block: Cidr): string {
  return `${blockPrefix(familyOf(block))}${fileName(block)}`;
}

export function blockPrefix(family: Family): string {
  return `${ROOT}assignment/ipv${family}/block/`;
}

export function affinityKey(host: string, block: Cidr): string {
  return `${affinityPrefix(host, familyOf(block))}${fileName(block)}`;
}

export function affinityPrefix(host: string, family: Family): string {
  return `${ROOT}host/${host}/ipv${family}/block/`;
}

export function handleKey(handle: string): string {
  return `${ROOT}handle/${handle}`;
}

/** The block that a block's or an affinity's key names. */
export function blockOfKey(key: string): Cidr {
  const name = key.slice(key.lastIndexOf('/') + 1);
  const dash = name.lastIndexOf('-');
  return cidr(`${name.slice(0, dash)}/${name.slice(dash + 1)}`);
}

/** How many addresses of which block a handle has. */
export type HandleCounts = Record<string, number>;

export function parseHandle(json: string): HandleCounts {
  return (JSON.parse(json) as { block?: HandleCounts }).block ?? {};
}

export function formatHandle(block: HandleCounts): string {
  return JSON.stringify({ block, deleted: false });
}

export const CONFIRMED = JSON.stringify({ state: 'confirmed', deleted: false });

export interface IpamConfig {
  /** Never use addresses of another host's block. */
  readonly strictAffinity: boolean;
  /** Claim blocks as they are needed. */
  readonly autoAllocateBlocks: boolean;
}

export function parseConfig(json: string | undefined): IpamConfig {
  if (json === undefined) return { strictAffinity: false, autoAllocateBlocks: true };
  const stored = JSON.parse(json) as { strict_affinity?: boolean; auto_allocate_blocks?: boolean };
  return { strictAffinity: stored.strict_affinity ?? false, autoAllocateBlocks: stored.auto_allocate_blocks ?? false };
}

function fileName(block: Cidr): string {
  return `${addressOf(block)}-${lengthOf(block)}`;
}
