/** What is given, held against what is used, and what is stored against itself. Pure: it changes nothing. */
import { type Cidr, contains, type Ip } from '../net/index.ts';
import { type Attributes, addressesOf, allocated, type Block, contradictions, sequenceOf } from './block.ts';
import { affinityOf, type Claimant, claimantOf } from './keys.ts';
import { poolOf } from './pools.ts';
import type { AddressUse, Snapshot } from './snapshot.ts';

/** An address that is given. */
export interface GivenAddress {
  readonly address: Ip;
  readonly block: Cidr;
  readonly handle: string | null;
  readonly attributes: Attributes | null;
  /** Null in blocks of v3.15's form. */
  readonly sequenceNumber: bigint | null;
  readonly usedBy: readonly AddressUse[];
}

export type Problem =
  /** Given, and nothing uses it. `sure`: what should use it is known to be gone; `why` says so, or why that is not sure. */
  | { readonly kind: 'unused'; readonly given: GivenAddress; readonly sure: boolean; readonly why: string }
  /** Used, in a pool, and not given: it may be given to somebody else. */
  | { readonly kind: 'not-given'; readonly use: AddressUse }
  /** More than one uses it. */
  | { readonly kind: 'shared'; readonly address: Ip; readonly uses: readonly AddressUse[] }
  /** A workload's address that is in no pool: somebody else's to give. */
  | { readonly kind: 'outside-pools'; readonly use: AddressUse }
  /** The handle counts other than what the block holds. */
  | {
      readonly kind: 'miscounted';
      readonly handle: string;
      readonly block: Cidr;
      readonly counted: number;
      readonly held: number;
    }
  /** The block is not there, or another's. */
  | { readonly kind: 'affinity-without-block'; readonly claimant: Claimant; readonly block: Cidr; readonly key: string }
  /** The block says whose it is, and that one has no affinity: it is not found when addresses are wanted. */
  | { readonly kind: 'block-without-affinity'; readonly claimant: Claimant; readonly block: Cidr }
  /** The block belongs to a host that is no node. */
  | { readonly kind: 'host-gone'; readonly claimant: Claimant; readonly block: Cidr; readonly inUse: number }
  | { readonly kind: 'block-outside-pools'; readonly block: Cidr; readonly inUse: number }
  /** The block cannot be read, or contradicts itself in these addresses. */
  | { readonly kind: 'broken-block'; readonly block: Cidr; readonly addresses: readonly Ip[] };

export interface CheckReport {
  /** Every address that is given, by block. */
  readonly given: readonly GivenAddress[];
  /** Workload endpoints, tunnels and nodes that were seen at all. */
  readonly uses: number;
  readonly problems: readonly Problem[];
}

/** Upstream's: Windows keeps some addresses of each of its hosts' blocks for itself. */
const WINDOWS_RESERVED = 'windows-reserved-ipam-handle';

export function check(snapshot: Snapshot): CheckReport {
  const byAddress = Map.groupBy(snapshot.uses, ({ address }) => address);
  const given = snapshot.blocks.flatMap(({ block }) => (block ? givenIn(block, byAddress) : []));
  return {
    given,
    uses: snapshot.uses.length,
    problems: [
      ...unused(given, snapshot),
      ...misused(given, byAddress, snapshot),
      ...miscounted(snapshot),
      ...affinities(snapshot),
      ...blocks(snapshot),
    ],
  };
}

function givenIn(block: Block, uses: ReadonlyMap<Ip, readonly AddressUse[]>): GivenAddress[] {
  return allocated(block).map(({ address, owner }) => ({
    address,
    block: block.cidr,
    handle: owner?.handle_id ?? null,
    attributes: owner?.secondary ?? null,
    sequenceNumber: sequenceOf(block, address),
    usedBy: uses.get(address) ?? [],
  }));
}

function unused(given: readonly GivenAddress[], { nodes }: Snapshot): Problem[] {
  const active = new Set(given.flatMap(({ handle, usedBy }) => (handle !== null && usedBy.length > 0 ? [handle] : [])));
  return given
    .filter(({ usedBy, handle }) => usedBy.length === 0 && handle !== WINDOWS_RESERVED)
    .map((one) => ({ kind: 'unused', given: one, ...judge(one, active, nodes) }));
}

/** Clean-up that only guessed has taken live addresses from people: what nobody vouches for is not sure. */
function judge(
  { handle, attributes }: GivenAddress,
  active: ReadonlySet<string>,
  nodes: Snapshot['nodes'],
): { sure: boolean; why: string } {
  const node = attributes?.node;
  if (handle !== null && active.has(handle))
    return { sure: false, why: `its handle ${handle} is in use with other addresses` };
  if (attributes?.type?.endsWith('TunnelAddress') && node !== undefined)
    return {
      sure: true,
      why: nodes.has(node) ? `the node ${node} has another tunnel address` : `its node ${node} is gone`,
    };
  if (node !== undefined && !nodes.has(node)) return { sure: true, why: `its node ${node} is gone` };
  if (handle !== null && attributes?.pod !== undefined)
    return { sure: true, why: `no endpoint of ${attributes.namespace ?? 'default'}/${attributes.pod} has it` };
  if (handle !== null && node !== undefined) return { sure: true, why: `no endpoint on ${node} has it` };
  return {
    sure: false,
    why: 'nothing says what it is for: it may be kept by hand, or for something that is no endpoint',
  };
}

function misused(
  given: readonly GivenAddress[],
  uses: ReadonlyMap<Ip, readonly AddressUse[]>,
  { pools }: Snapshot,
): Problem[] {
  const known = new Set(given.map(({ address }) => address));
  return [...uses].flatMap(([address, users]): Problem[] => {
    const inPool = poolOf(pools, address) !== undefined;
    const shared: Problem[] = users.length > 1 ? [{ kind: 'shared', address, uses: users }] : [];
    if (known.has(address)) return shared;
    const [use] = users as [AddressUse];
    if (inPool) return [...shared, { kind: 'not-given', use }];
    return use.by === 'workload' ? [...shared, { kind: 'outside-pools', use }] : shared;
  });
}

function miscounted({ blocks, handles }: Snapshot): Problem[] {
  const held = new Map<string, Map<Cidr, number>>();
  for (const { cidr, block } of blocks) {
    for (const handle of new Set(block?.attributes?.flatMap(({ handle_id }) => handle_id ?? []) ?? [])) {
      if (!held.has(handle)) held.set(handle, new Map());
      held.get(handle)?.set(cidr, block ? addressesOf(block, handle).length : 0);
    }
  }
  const unreadable = new Set(blocks.flatMap(({ cidr, block }) => (block ? [] : [cidr])));
  return [...new Set([...handles.keys(), ...held.keys()])].flatMap((handle) => {
    const counts = handles.get(handle) ?? {};
    const holds = held.get(handle) ?? new Map<Cidr, number>();
    return [...new Set([...(Object.keys(counts) as Cidr[]), ...holds.keys()])].flatMap((block): Problem[] => {
      const [counted, has] = [counts[block] ?? 0, holds.get(block) ?? 0];
      return counted === has || unreadable.has(block)
        ? []
        : [{ kind: 'miscounted', handle, block, counted, held: has }];
    });
  });
}

function affinities({ affinities, blocks }: Snapshot): Problem[] {
  const stored = new Map(blocks.map(({ cidr, block }) => [cidr, block]));
  const lost = affinities.flatMap(({ claimant, block, key }): Problem[] => {
    const found = stored.get(block);
    // One that cannot be read may be anybody's.
    if (found === null || found?.affinity === affinityOf(claimant)) return [];
    return [{ kind: 'affinity-without-block', claimant, block, key }];
  });
  const known = new Set(affinities.map(({ claimant, block }) => `${affinityOf(claimant)} ${block}`));
  const homeless = blocks.flatMap(({ cidr, block }): Problem[] => {
    const claimant = claimantOf(block?.affinity ?? null);
    if (!claimant || known.has(`${affinityOf(claimant)} ${cidr}`)) return [];
    return [{ kind: 'block-without-affinity', claimant, block: cidr }];
  });
  return [...lost, ...homeless];
}

function blocks({ blocks, pools, nodes }: Snapshot): Problem[] {
  return blocks.flatMap(({ cidr, block }): Problem[] => {
    if (!block) return [{ kind: 'broken-block', block: cidr, addresses: [] }];
    const out: Problem[] = [];
    const inUse = block.allocations.filter((owner) => owner !== null).length;
    const broken = contradictions(block);
    if (broken.length > 0) out.push({ kind: 'broken-block', block: cidr, addresses: broken });
    if (!pools.some((pool) => contains(pool.cidr, cidr))) out.push({ kind: 'block-outside-pools', block: cidr, inUse });
    const claimant = claimantOf(block.affinity);
    if (claimant?.type === 'host' && !nodes.has(claimant.name))
      out.push({ kind: 'host-gone', claimant, block: cidr, inUse });
    return out;
  });
}
