/** What becomes of addresses when a node or a pool is deleted, as with upstream's client: to be done before. */
import { parseJson, toJson } from '../api/json.ts';
import type { KeyValue, Store } from '../datastore/store.ts';
import type { Ip } from '../net/index.ts';
import { releaseClaimant, releasePool } from './affinities.ts';
import { NODES, POOLS, WORKLOAD_ENDPOINTS } from './keys.ts';
import { readPools } from './pools.ts';
import { releaseAddresses } from './release.ts';
import { usesOfEndpoint, usesOfNode } from './snapshot.ts';

/** The addresses of its workloads and tunnels are released, its blocks are nobody's. */
export async function releaseNode(store: Store, name: string): Promise<void> {
  const node = await store.get(`${NODES}${name}`);
  if (!node) return;
  const endpoints = await store.list(WORKLOAD_ENDPOINTS);
  const uses = [...usesOfNode(node), ...endpoints.items.flatMap(usesOfEndpoint)];
  const own = uses.flatMap(({ address, by, node }): Ip[] => (node === name && by !== 'node' ? [address] : []));
  await releaseAddresses(
    store,
    own.map((address) => ({ address })),
  );
  await releaseClaimant(store, { type: 'host', name }, false);
}

/**
 * It gives nothing any more, its blocks are nobody's, and those in use go with their last address. `revision`: only that version
 * of the pool. Resolves to the version that it has then; undefined where there is no pool. E_CONFLICT.
 */
export async function retirePool(store: Store, name: string, revision?: string): Promise<string | undefined> {
  const stored = await store.get(`${POOLS}${name}`);
  const [pool] = stored ? readPools([stored]) : [];
  if (!stored || !pool) return revision;
  const retired = await disable(store, stored, pool.disabled, revision ?? stored.revision);
  await releasePool(store, pool.cidr);
  return retired;
}

async function disable(store: Store, { key, value, revision }: KeyValue, already: boolean, expected: string) {
  if (already && revision === expected) return revision;
  const resource = parseJson(value) as { spec: object };
  return store.update(key, toJson({ ...resource, spec: { ...resource.spec, disabled: true } }), expected);
}
