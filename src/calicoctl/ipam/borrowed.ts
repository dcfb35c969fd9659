/** Addresses in use by a host that their block does not belong to: the table of `ipam show --show-borrowed`. */
import { type Attributes, allocated, type Block } from '../../ipam/index.ts';
import { bordered } from '../output/bordered.ts';

export function borrowedTable(blocks: readonly Block[]): string {
  const rows: string[][] = [];
  let unknown = 0;
  for (const block of blocks) {
    const host = block.affinity?.replace(/^[^:]*:/, '') ?? '';
    for (const { address, owner } of allocated(block)) {
      const attributes = owner?.secondary ?? {};
      if (attributes.node === undefined) unknown++;
      else if (attributes.node !== host) rows.push([address, attributes.node, block.cidr, host, ...userOf(attributes)]);
    }
  }
  const table = bordered(['IP', 'BORROWING-NODE', 'BLOCK', 'BLOCK OWNER', 'TYPE', 'ALLOCATED-TO'], rows);
  if (unknown === 0) return table;
  return `${table}\nNote: found ${unknown} IP allocations without an explicit node association. Unable to determine if they are borrowed.\n`;
}

/** What it is, and which. */
function userOf({ pod, namespace, type }: Attributes): [string, string] {
  return pod === undefined ? [type ?? '', ''] : ['pod', `${namespace ?? ''}/${pod}`];
}
