/** IPAM blocks: which host a block of addresses belongs to, and which of its addresses are on another. */
import type { IPAMBlock, ResourceId } from '../../model/index.ts';
import { addressOf, type Cidr, familyOf, fromBigInt, type Ip, toBigInt } from '../../net/index.ts';
import * as read from './read.ts';

/** Null for a block that is marked as deleted. */
export function ipamBlock(id: ResourceId<'IPAMBlock'>, block: read.Fields): IPAMBlock | null {
  if (block.deleted === true) return null;
  const cidr = read.cidr(block.cidr, 'cidr');
  const host = affineHost(block.affinity);
  return read.present<IPAMBlock>({ id, cidr, host, borrowed: borrowed(block, cidr, host) });
}

/** `host:n1`; other affinities are no host's. */
function affineHost(value: unknown): string | undefined {
  const affinity = read.text(value, 'affinity');
  return affinity.startsWith('host:') ? affinity.slice('host:'.length) : undefined;
}

function borrowed(block: read.Fields, cidr: Cidr, host: string | undefined): Map<Ip, string> {
  const nodes = read.list(block.attributes, 'attributes', nodeOf);
  const out = new Map<Ip, string>();
  for (const [ordinal, index] of read.list(block.allocations, 'allocations', (index) => index).entries()) {
    const node = typeof index === 'number' ? nodes[index] : undefined;
    if (node !== undefined && node !== host) out.set(nth(cidr, ordinal), node);
  }
  return out;
}

function nodeOf(value: unknown, field: string): string | undefined {
  const { secondary } = read.object(value, field);
  return read.text(read.object(secondary, `${field}.secondary`).node, `${field}.secondary.node`) || undefined;
}

function nth(cidr: Cidr, ordinal: number): Ip {
  return fromBigInt(toBigInt(addressOf(cidr)) + BigInt(ordinal), familyOf(cidr));
}
