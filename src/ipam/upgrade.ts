/** What older releases wrote, in today's form. */
import type { Store } from '../datastore/store.ts';
import { claim } from './affinities.ts';
import { commit, retried, transactionOf } from './edit.ts';
import { affinityPrefix, blockKey, type Claimant, parseAffinityKey } from './keys.ts';
import { readBlock } from './reading.ts';

/** Resolves to how many keys were rewritten. */
export async function upgradeClaimant(store: Store, claimant: Claimant): Promise<number> {
  let rewritten = 0;
  for (const family of [4, 6] as const) {
    const { items } = await store.list(affinityPrefix(claimant, family));
    for (const { key, value } of items) {
      const cidr = parseAffinityKey(key)?.block;
      if (!cidr) continue;
      const old = await retried(cidr, async () => {
        const stored = await store.get(blockKey(cidr));
        // readBlock has the bare host name of the oldest blocks as an affinity already: writing it is all.
        if (!stored?.value.includes('"hostAffinity"')) return false;
        const block = readBlock(stored);
        return commit(store, transactionOf([{ block, cidr, stored, gains: new Map() }], new Map()), true);
      });
      if (old) rewritten++;
      if (value === '' && (await claim(store, cidr, claimant, null))) rewritten++;
    }
  }
  return rewritten;
}
