/** What becomes of addresses when a node or a pool is deleted, as with upstream's client: to be done before. */
import { parseJson, toJson } from '../api/json.ts';
import { RESOURCES } from '../datastore/keys.ts';
import type { Store } from '../datastore/store.ts';
import type { Ip } from '../net/index.ts';
import { releaseClaimant, releasePool } from './affinities.ts';
import { commit, retried } from './edit.ts';
import { readPools } from './pools.ts';
import { releaseAddresses } from './release.ts';
import { usesOfEndpoint, usesOfNode } from './snapshot.ts';
import { POOLS } from './view.ts';

/** The addresses of its workloads and tunnels are released, its blocks are nobody's. */
export async function releaseNode(store: Store, name: string): Promise<void> {
  const node = await store.get(`${RESOURCES}nodes/${name}`);
  if (!node) return;
  const endpoints = await store.list(`${RESOURCES}workloadendpoints/`);
  const uses = [...usesOfNode(node), ...endpoints.items.flatMap(usesOfEndpoint)];
  const own = uses.flatMap(({ address, by, node }): Ip[] => (node === name && by !== 'node' ? [address] : []));
  await releaseAddresses(
    store,
    own.map((address) => ({ address })),
  );
  await releaseClaimant(store, { type: 'host', name }, false);
}

/** It gives nothing any more, its blocks are nobody's, and those in use go with their last address. */
export async function retirePool(store: Store, name: string): Promise<void> {
  const key = `${POOLS}${name}`;
  const prefix = await retried(name, async () => {
    const stored = await store.get(key);
    const [pool] = stored ? readPools([stored]) : [];
    if (!stored || !pool) return null;
    if (pool.disabled) return pool.cidr;
    const resource = parseJson(stored.value) as { spec: object };
    const disabled = toJson({ ...resource, spec: { ...resource.spec, disabled: true } });
    const transaction = { compares: [{ key, revision: stored.revision }], writes: [{ key, value: disabled }] };
    return commit(store, transaction, pool.cidr);
  });
  if (prefix) await releasePool(store, prefix);
}
