/** A block of addresses as it is stored: arithmetic only. Ordinals count addresses from the block's first. */
import {
  addressOf,
  type Cidr,
  cidr,
  type Family,
  familyOf,
  fromBigInt,
  type Ip,
  lengthOf,
  maxLength,
  toBigInt,
} from '../net/index.ts';

export type Attributes = Readonly<Record<string, string>>;

interface Owner {
  handle_id: string | null;
  secondary: Attributes | null;
}

/** The stored JSON, in upstream's order of fields. Fields that we do not know are kept. */
export interface Block {
  readonly cidr: Cidr;
  /** `host:<name>`, or null: it belongs to nobody, and goes with its last address. */
  affinity: string | null;
  /** Per ordinal: the index of its owner in `attributes`, or null. */
  allocations: (number | null)[];
  /** A queue: the next to be given is the one that was released longest ago. */
  unallocated: number[];
  attributes: Owner[] | null;
  deleted: boolean;
}

export function newBlock(prefix: Cidr, host: string): Block {
  const size = 2 ** (maxLength(familyOf(prefix)) - lengthOf(prefix));
  return {
    cidr: prefix,
    affinity: affinityOf(host),
    allocations: new Array<null>(size).fill(null),
    unallocated: [...new Array(size).keys()],
    attributes: [],
    deleted: false,
  };
}

export function affinityOf(host: string): string {
  return `host:${host}`;
}

/** The host that the block is affine to. */
export function hostOf(block: Block): string | null {
  return block.affinity?.startsWith('host:') ? block.affinity.slice('host:'.length) : null;
}

export function parseBlock(json: string): Block {
  const stored = JSON.parse(json) as Block;
  return { ...stored, cidr: cidr(stored.cidr) };
}

export function isEmpty(block: Block): boolean {
  return block.unallocated.length === block.allocations.length;
}

/** Gives up to `count` addresses to the handle. */
export function take(block: Block, count: number, handle: string | null, attributes: Attributes | null): Ip[] {
  const ordinals = block.unallocated.splice(0, count);
  if (ordinals.length === 0) return [];
  const owner = ownerIndex(block, handle, attributes);
  for (const ordinal of ordinals) block.allocations[ordinal] = owner;
  return ordinals.map((ordinal) => addressAt(block, ordinal));
}

/** Gives this very address to the handle; false when it is taken. */
export function takeAddress(block: Block, address: Ip, handle: string | null, attributes: Attributes | null): boolean {
  const ordinal = ordinalOf(block, address);
  if (block.allocations[ordinal] !== null) return false;
  block.unallocated.splice(block.unallocated.indexOf(ordinal), 1);
  block.allocations[ordinal] = ownerIndex(block, handle, attributes);
  return true;
}

/** Frees the addresses. Returns how many each handle had of them; those that were free already are in `unused`. */
export function release(block: Block, addresses: readonly Ip[]): { counts: Map<string, number>; unused: Ip[] } {
  const counts = new Map<string, number>();
  const unused: Ip[] = [];
  for (const address of addresses) {
    const ordinal = ordinalOf(block, address);
    const owner = block.allocations[ordinal];
    if (owner === null || owner === undefined) {
      unused.push(address);
      continue;
    }
    const handle = block.attributes?.[owner]?.handle_id;
    if (handle) counts.set(handle, (counts.get(handle) ?? 0) + 1);
    block.allocations[ordinal] = null;
    block.unallocated.push(ordinal);
  }
  dropUnusedOwners(block);
  return { counts, unused };
}

/** The addresses that belong to the handle, in ascending order. */
export function addressesOf(block: Block, handle: string): Ip[] {
  const out: Ip[] = [];
  for (const [ordinal, owner] of block.allocations.entries()) {
    if (owner !== null && block.attributes?.[owner]?.handle_id === handle) out.push(addressAt(block, ordinal));
  }
  return out;
}

/** Whose the address is; null when it is free. */
export function ownerOf(block: Block, address: Ip): { handle: string | null; attributes: Attributes | null } | null {
  const index = block.allocations[ordinalOf(block, address)];
  const owner = index === null || index === undefined ? undefined : block.attributes?.[index];
  return owner ? { handle: owner.handle_id ?? null, attributes: owner.secondary ?? null } : null;
}

function addressAt(block: Block, ordinal: number): Ip {
  return fromBigInt(toBigInt(addressOf(block.cidr)) + BigInt(ordinal), familyOf(block.cidr) as Family);
}

function ordinalOf(block: Block, address: Ip): number {
  return Number(toBigInt(address) - toBigInt(addressOf(block.cidr)));
}

/** Addresses with the same handle and attributes share one entry. */
function ownerIndex(block: Block, handle: string | null, attributes: Attributes | null): number {
  block.attributes ??= [];
  const wanted = ownerKey({ handle_id: handle, secondary: attributes });
  const found = block.attributes.findIndex((owner) => ownerKey(owner) === wanted);
  if (found >= 0) return found;
  return block.attributes.push({ handle_id: handle, secondary: attributes }) - 1;
}

function ownerKey({ handle_id, secondary }: Owner): string {
  return JSON.stringify([handle_id ?? null, Object.entries(secondary ?? {}).sort()]);
}

/** Removes entries that no address names any more; the others move up. */
function dropUnusedOwners(block: Block): void {
  const used = new Set(block.allocations.filter((owner) => owner !== null));
  const moved = new Map<number, number>();
  const kept = (block.attributes ?? []).filter((_, index) => {
    if (used.has(index)) moved.set(index, moved.size);
    return used.has(index);
  });
  block.attributes = kept;
  block.allocations = block.allocations.map((owner) => (owner === null ? null : (moved.get(owner) as number)));
}
