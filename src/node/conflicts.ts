/** Two nodes with one address take each other's traffic: whoever comes second must not start. */
import type { Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { Family } from '../net/index.ts';
import type { Addresses } from './addresses.ts';
import { addressesOf } from './resource.ts';

export interface Conflict {
  readonly family: Family;
  readonly error: CalicoError;
}

/** Which of the addresses other nodes have. */
export function conflicts(name: string, own: Addresses, nodes: readonly Resource[]): Conflict[] {
  return nodes
    .filter(({ metadata }) => metadata.name !== name)
    .flatMap((node) => {
      const theirs = addressesOf(node);
      const same = (family: Family, ours: string | undefined, other: string | undefined): Conflict[] =>
        ours && host(ours) === host(other) ? [{ family, error: problem(node.metadata.name, ours) }] : [];
      return [...same(4, own.ipv4, theirs.ipv4), ...same(6, own.ipv6, theirs.ipv6)];
    });
}

function problem(node: string, address: string): CalicoError {
  return new CalicoError('E_CONFLICT', address, `the node ${node} has this address already`, {
    hint: `if ${node} is gone, calicoctl delete node ${node}; else give this node another address`,
  });
}

function host(address: string | undefined): string | undefined {
  return address?.replace(/\/.*/, '');
}
