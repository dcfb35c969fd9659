/** Which pools a host may take addresses from. */
import { RESOURCES } from '../datastore/keys.ts';
import type { Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, contains, type Family, familyOf, type Ip, parseCidr } from '../net/index.ts';
import { parseSelector } from '../selector/index.ts';

export interface Pool {
  readonly name: string;
  readonly cidr: Cidr;
  /** Prefix length of its blocks. */
  readonly blockSize: number;
  readonly nodeSelector: string;
}

interface Stored {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { cidr: string; disabled?: boolean; blockSize?: number; nodeSelector?: string };
}

/** The pools that are not disabled, by name. */
export async function enabledPools(store: Store): Promise<Pool[]> {
  const { items } = await store.list(`${RESOURCES}ippools/`);
  return items.flatMap(({ value }) => {
    const { metadata, spec } = JSON.parse(value) as Stored;
    const prefix = parseCidr(spec.cidr);
    if (!prefix || spec.disabled) return [];
    const blockSize = spec.blockSize || (familyOf(prefix) === 4 ? 26 : 122);
    return [{ name: metadata.name, cidr: prefix, blockSize, nodeSelector: spec.nodeSelector ?? '' }];
  });
}

/** The pool that holds the address. */
export function poolOf(pools: readonly Pool[], address: Ip): Pool | undefined {
  return pools.find((pool) => contains(pool.cidr, address));
}

/**
 * The enabled pools of the family that the host may use: those asked for (then node selectors do not count), or those
 * that select it. Throws E_NOT_FOUND when there is none, or one that was asked for is not there.
 */
export async function poolsFor(store: Store, host: string, family: Family, wanted: readonly Cidr[]): Promise<Pool[]> {
  const pools = (await enabledPools(store)).filter((pool) => familyOf(pool.cidr) === family);
  if (wanted.length > 0) return wanted.map((prefix) => askedFor(pools, prefix));
  const labels = pools.some((pool) => pool.nodeSelector) ? await nodeLabels(store, host) : {};
  const usable = pools.filter(
    ({ nodeSelector }) => !nodeSelector || parseSelector(nodeSelector).evaluate((label) => labels[label]),
  );
  if (usable.length > 0) return usable;
  throw new CalicoError('E_NOT_FOUND', host, `no IPv${family} pool is configured for this node`, {
    hint: 'create an IPPool whose nodeSelector selects the node and that is not disabled',
  });
}

function askedFor(pools: readonly Pool[], prefix: Cidr): Pool {
  const pool = pools.find(({ cidr }) => cidr === prefix);
  if (!pool) throw new CalicoError('E_NOT_FOUND', prefix, 'the pool does not exist, or is disabled');
  return pool;
}

async function nodeLabels(store: Store, host: string): Promise<Record<string, string>> {
  const node = await store.get(`${RESOURCES}nodes/${host}`);
  return node ? ((JSON.parse(node.value) as Stored).metadata.labels ?? {}) : {};
}
