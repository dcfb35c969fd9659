/** A block of addresses as it is stored: arithmetic only. Ordinals count addresses from the block's first. */
import { parseJson } from '../api/json.ts';
import { CalicoError } from '../errors/index.ts';
import {
  addressOf,
  type Cidr,
  cidr,
  contains,
  familyOf,
  fromBigInt,
  type Ip,
  lengthOf,
  maxLength,
  parseCidr,
  toBigInt,
} from '../net/index.ts';

export type Attributes = Readonly<Record<string, string>>;

/** Fields that we do not know are kept, here and in the block. */
export interface BlockOwner {
  handle_id?: string | null;
  secondary?: Attributes | null;
  /** Newer releases: of whom the address is to become, while a virtual machine moves. */
  alternateOwnerAttrs?: Attributes | null;
}

/** The stored JSON, in upstream's order of fields. A block with a sequence number is of the newer form, which it keeps. */
export interface Block {
  readonly cidr: Cidr;
  /** `host:<name>` or `virtual:<name>`, or null: it belongs to nobody, and goes with its last address. */
  affinity: string | null;
  affinity_claim_time?: string;
  /** Per ordinal: the index of its owner in `attributes`, or null. */
  allocations: (number | null)[];
  /** A queue: the next to be given is the one that was released longest ago. */
  unallocated: number[];
  attributes: BlockOwner[] | null;
  /** One more with each write. */
  sequenceNumber?: bigint;
  /** Per ordinal: the block's sequence number when the address was given. */
  sequenceNumberForAllocation?: Record<string, bigint>;
  deleted: boolean;
}

/** What a block of the newer form starts with: nanoseconds since the epoch, above 2^53. */
export type Birth = bigint;

/** Addresses that are given only to who asks for them; null: there are none. */
export interface Reservations {
  has(address: Ip): boolean;
  /** A reservation that holds the whole block. */
  around(block: Cidr): Cidr | undefined;
}
export type Reserved = Reservations | null;

/** `birth`: null makes a block of v3.15's form. */
export function newBlock(prefix: Cidr, affinity: string, birth: Birth | null): Block {
  const size = sizeOf(prefix);
  return {
    cidr: prefix,
    affinity,
    ...(birth !== null && {
      affinity_claim_time: new Date(Number(birth / 1_000_000n)).toISOString().replace(/\.\d+/, ''),
    }),
    allocations: new Array<null>(size).fill(null),
    unallocated: [...new Array(size).keys()],
    attributes: null,
    ...(birth !== null && { sequenceNumber: birth, sequenceNumberForAllocation: {} }),
    deleted: false,
  };
}

/** Throws E_DATASTORE when the text is no block, or one that contradicts itself: nothing is given of such a block. */
export function parseBlock(json: string): Block {
  const parsed = parseJson(json);
  if (!isBlock(parsed))
    throw new CalicoError(
      'E_DATASTORE',
      'stored block',
      'has no cidr, allocations or unallocated, or not as a block has them',
    );
  const { hostAffinity, ...stored } = parsed;
  const block: Block = { ...stored, cidr: cidr(stored.cidr) };
  if (block.allocations.length !== sizeOf(block.cidr))
    throw new CalicoError('E_DATASTORE', block.cidr, 'the stored block has not as many places as addresses');
  // The oldest releases wrote the host's bare name.
  if (!block.affinity) block.affinity = hostAffinity ? `host:${hostAffinity}` : null;
  if (block.sequenceNumber === undefined) return block;
  block.sequenceNumber = BigInt(block.sequenceNumber);
  const given = Object.entries(block.sequenceNumberForAllocation ?? {});
  block.sequenceNumberForAllocation = Object.fromEntries(given.map(([ordinal, number]) => [ordinal, BigInt(number)]));
  return block;
}

/** Are its fields of the types that the arithmetic takes for granted? */
function isBlock(value: unknown): value is Block & { hostAffinity?: string | null } {
  const { cidr, affinity, hostAffinity, allocations, unallocated, attributes, ...numbers } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isListOf = (list: unknown, test: (member: unknown) => boolean) => Array.isArray(list) && list.every(test);
  const isTextOrNone = (text: unknown) => text === undefined || text === null || typeof text === 'string';
  const { sequenceNumber = 0, sequenceNumberForAllocation } = numbers;
  return (
    typeof cidr === 'string' &&
    parseCidr(cidr) !== null &&
    isTextOrNone(affinity) &&
    isTextOrNone(hostAffinity) &&
    isListOf(allocations, (index) => index === null || Number.isInteger(index)) &&
    isListOf(unallocated, Number.isInteger) &&
    isListOf(attributes ?? [], (owner) => typeof owner === 'object' && owner !== null) &&
    [sequenceNumber, ...Object.values(sequenceNumberForAllocation ?? {})].every(
      (number) => typeof number === 'bigint' || Number.isInteger(number),
    )
  );
}

export function isEmpty(block: Block): boolean {
  return block.allocations.every((owner) => owner === null);
}

/** For the write of a block that was there already, or that has given an address. */
export function countWrite(block: Block): void {
  if (block.sequenceNumber !== undefined) block.sequenceNumber += 1n;
}

/** Gives up to `count` addresses to the owner. */
export function take(block: Block, count: number, owner: BlockOwner, reserved: Reserved): Ip[] {
  const taken: number[] = [];
  const left: number[] = [];
  for (const ordinal of new Set(block.unallocated)) {
    // What the queue says is free, and is not, is nobody's to give.
    if (block.allocations[ordinal] !== null) continue;
    const wanted = taken.length < count && !reserved?.has(addressAt(block, ordinal));
    (wanted ? taken : left).push(ordinal);
  }
  if (taken.length === 0) return [];
  block.unallocated = left;
  give(block, taken, owner);
  return taken.map((ordinal) => addressAt(block, ordinal));
}

/** Gives this very address to the owner; false when it is taken. */
export function takeAddress(block: Block, address: Ip, owner: BlockOwner): boolean {
  const ordinal = ordinalOf(block, address);
  if (block.allocations[ordinal] !== null) return false;
  block.unallocated = block.unallocated.filter((free) => free !== ordinal);
  give(block, [ordinal], owner);
  return true;
}

/** Frees those of the addresses that are given: `freed`, and how many each handle had of them. */
export function release(block: Block, addresses: readonly Ip[]): { counts: Map<string, number>; freed: Ip[] } {
  const counts = new Map<string, number>();
  const freed: Ip[] = [];
  for (const address of addresses) {
    const ordinal = ordinalOf(block, address);
    const owner = block.allocations[ordinal];
    if (owner === null || owner === undefined) continue;
    const handle = block.attributes?.[owner]?.handle_id;
    if (handle) counts.set(handle, (counts.get(handle) ?? 0) + 1);
    block.allocations[ordinal] = null;
    block.unallocated.push(ordinal);
    delete block.sequenceNumberForAllocation?.[String(ordinal)];
    freed.push(address);
  }
  dropUnusedOwners(block);
  return { counts, freed };
}

/** The block becomes nobody's. */
export function orphan(block: Block): void {
  block.affinity = null;
  delete block.affinity_claim_time;
}

/** The addresses that belong to the handle, in ascending order. */
export function addressesOf(block: Block, handle: string): Ip[] {
  return allocated(block).flatMap(({ address, owner }) => (owner?.handle_id === handle ? [address] : []));
}

/** Every address that is given, in ascending order; `owner` is null where the block does not say whose it is. */
export function allocated(block: Block): { address: Ip; owner: BlockOwner | null }[] {
  return block.allocations.flatMap((index, ordinal) =>
    index === null ? [] : [{ address: addressAt(block, ordinal), owner: block.attributes?.[index] ?? null }],
  );
}

/** Addresses that are both given and free, free twice, neither, or given to an owner that is not there. */
export function contradictions(block: Block): Ip[] {
  const free = Map.groupBy(block.unallocated, (ordinal) => ordinal);
  return block.allocations.flatMap((owner, ordinal) => {
    const listed = free.get(ordinal)?.length ?? 0;
    const right = owner === null ? listed === 1 : listed === 0 && block.attributes?.[owner] !== undefined;
    return right ? [] : [addressAt(block, ordinal)];
  });
}

/** What is given stays given, whatever the queue of free addresses says; everything else is free. False: it was right. */
export function mend(block: Block): boolean {
  if (contradictions(block).length === 0) return false;
  const free = (ordinal: number) => block.allocations[ordinal] === null;
  const ordinals = block.allocations.map((_, ordinal) => ordinal);
  block.unallocated = [...new Set([...block.unallocated, ...ordinals])].filter(free);
  block.attributes ??= [];
  for (const [ordinal, owner] of block.allocations.entries()) {
    if (owner === null || block.attributes[owner]) continue;
    block.allocations[ordinal] = ownerIndex(block, {});
  }
  return true;
}

/** Whose the address is; null when it is free or in another block. The very object: changing it changes the block. */
export function ownerOf(block: Block, address: Ip): BlockOwner | null {
  const index = contains(block.cidr, address) ? block.allocations[ordinalOf(block, address)] : null;
  return index === null || index === undefined ? null : (block.attributes?.[index] ?? {});
}

/** Changes whose the address is. Other addresses of the same owner keep theirs. */
export function reown(
  block: Block,
  address: Ip,
  change: { readonly attributes?: Attributes; readonly alternate?: Attributes },
): void {
  const owner = { ...ownerOf(block, address) };
  if (change.attributes) replace(owner, 'secondary', change.attributes);
  if (change.alternate) replace(owner, 'alternateOwnerAttrs', change.alternate);
  block.attributes ??= [];
  const index = block.attributes.findIndex((other) => ownerKey(other) === ownerKey(owner));
  block.allocations[ordinalOf(block, address)] = index >= 0 ? index : block.attributes.push(owner) - 1;
  dropUnusedOwners(block);
}

function replace(owner: BlockOwner, field: 'secondary' | 'alternateOwnerAttrs', attributes: Attributes): void {
  if (Object.keys(attributes).length > 0) owner[field] = attributes;
  else delete owner[field];
}

/** The block's sequence number when the address was given; null in blocks of the older form. */
export function sequenceOf(block: Block, address: Ip): bigint | null {
  return block.sequenceNumberForAllocation?.[String(ordinalOf(block, address))] ?? null;
}

function sizeOf(prefix: Cidr): number {
  return 2 ** (maxLength(familyOf(prefix)) - lengthOf(prefix));
}

export function addressAt(block: Block, ordinal: number): Ip {
  return fromBigInt(toBigInt(addressOf(block.cidr)) + BigInt(ordinal), familyOf(block.cidr));
}

function ordinalOf(block: Block, address: Ip): number {
  return Number(toBigInt(address) - toBigInt(addressOf(block.cidr)));
}

function give(block: Block, ordinals: readonly number[], owner: BlockOwner): void {
  const index = ownerIndex(block, owner);
  for (const ordinal of ordinals) {
    block.allocations[ordinal] = index;
    if (block.sequenceNumber === undefined) continue;
    block.sequenceNumberForAllocation ??= {};
    block.sequenceNumberForAllocation[String(ordinal)] = block.sequenceNumber;
  }
}

/** Addresses with the same handle and attributes share one entry. The newer form leaves out what there is not. */
function ownerIndex(block: Block, { handle_id = null, secondary = null }: BlockOwner): number {
  block.attributes ??= [];
  const wanted = ownerKey({ handle_id, secondary });
  const found = block.attributes.findIndex((owner) => ownerKey(owner) === wanted);
  if (found >= 0) return found;
  // An address of an owner that is not there is not this one's.
  while (block.allocations.includes(block.attributes.length)) block.attributes.push({});
  const sparse = { ...(handle_id !== null && { handle_id }), ...(secondary !== null && { secondary }) };
  return block.attributes.push(block.sequenceNumber === undefined ? { handle_id, secondary } : sparse) - 1;
}

function ownerKey({ handle_id, secondary, alternateOwnerAttrs }: BlockOwner): string {
  const sorted = (attributes: Attributes | null | undefined) => Object.entries(attributes ?? {}).sort();
  return JSON.stringify([handle_id ?? null, sorted(secondary), sorted(alternateOwnerAttrs)]);
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
  block.allocations = block.allocations.map((owner) => (owner === null ? null : (moved.get(owner) ?? owner)));
}
