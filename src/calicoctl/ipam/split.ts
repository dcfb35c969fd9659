/** ipam split: several smaller pools in the place of one. */
import { type Resource, toStored, validate } from '../../api/index.ts';
import { type Client, type Compare, resourceKey, type Write } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { addressOf, cidrOf, familyOf, fromBigInt, lengthOf, maxLength, parseCidr, toBigInt } from '../../net/index.ts';
import type { Io } from '../io.ts';
import { checkLocked } from '../migrate/ready.ts';
import { withClient } from '../session.ts';

/** As many writes as etcd takes at once by default is 128. */
const BATCH = 100;
/** Names of pools end here. */
const NAME_LENGTH = 253;

interface PoolChoice {
  readonly cidr?: string;
  readonly name?: string;
}

export interface SplitOptions extends PoolChoice {
  readonly config?: string;
}

export async function split(io: Io, number: string, { config, ...choice }: SplitOptions): Promise<void> {
  const parts = parseParts(number);
  io.out(await withClient(io, config, (client) => splitPool(client, parts, choice)));
}

/** How many pools the argument asks for: a power of 2. E_USAGE. */
function parseParts(argument: string): number {
  const parts = /^\d{1,9}$/.test(argument) ? Number(argument) : Number.NaN;
  if (parts >= 2 && Number.isInteger(Math.log2(parts))) return parts;
  throw new CalicoError('E_USAGE', 'calicoctl ipam split', `'${argument}' is not a power of 2`, { hint: '2, 4, 8, …' });
}

/** Resolves to what is to be said. E_USAGE, E_NOT_LOCKED, E_NOT_FOUND, E_INVALID, E_EXISTS, E_CONFLICT. */
async function splitPool(client: Client, parts: number, choice: PoolChoice): Promise<string> {
  if (!choice.cidr && !choice.name)
    throw new CalicoError('E_USAGE', 'calicoctl ipam split', 'needs a pool', { hint: '--name or --cidr' });
  await checkLocked(client, 'ipam split');
  const old = await choose(client, choice);
  const pools = smallerPools(old, parts);
  await replace(client, old, pools);
  const created = pools.map(({ metadata, spec }) => `Created ${metadata.name} with CIDR ${spec?.cidr}.\n`);
  // As upstream says it, without an end to the first line.
  const done = `IP Pool ${old.metadata.name} was successfully split into ${parts} smaller pools.`;
  return `${done}${created.join('')}Please refer to the documentation for final steps.`;
}

async function choose(client: Client, { cidr, name }: PoolChoice): Promise<Resource> {
  const wanted = cidr ? parseCidr(cidr) : null;
  if (cidr && !wanted) throw new CalicoError('E_USAGE', '--cidr', `'${cidr}' is not a prefix`);
  const { items } = await client.list('IPPool');
  const found = items.find(
    (pool) => (!name || pool.metadata.name === name) && (!wanted || parseCidr(String(pool.spec?.cidr)) === wanted),
  );
  if (found) return found;
  const what = [...(name ? [`named ${name}`] : []), ...(wanted ? [`with the prefix ${wanted}`] : [])].join(' ');
  throw new CalicoError('E_NOT_FOUND', 'IPPool', `there is none ${what}`, { hint: 'calicoctl get ippools lists them' });
}

function smallerPools(old: Resource, parts: number): Resource[] {
  const cidr = parseCidr(String(old.spec?.cidr));
  if (!cidr) throw new CalicoError('E_INVALID', `IPPool ${old.metadata.name}`, 'spec.cidr is not a prefix');
  const length = lengthOf(cidr) + Math.log2(parts);
  const family = familyOf(cidr);
  const { blockSize } = old.spec as { blockSize?: number };
  const longest = blockSize ?? (family === 4 ? 26 : 122);
  if (length > longest)
    throw new CalicoError('E_INVALID', `IPPool ${old.metadata.name}`, `${cidr} is too small for ${parts} pools`, {
      hint: `each would be smaller than a block, which is a /${longest}`,
    });
  const step = 1n << BigInt(maxLength(family) - length);
  const first = toBigInt(addressOf(cidr));
  const { labels, annotations } = old.metadata;
  return Array.from({ length: parts }, (_, i) =>
    validate({
      apiVersion: old.apiVersion,
      kind: old.kind,
      metadata: { name: nameOf(old, i), ...(labels && { labels }), ...(annotations && { annotations }) },
      spec: { ...old.spec, cidr: cidrOf(fromBigInt(first + step * BigInt(i), family), length), disabled: false },
    }),
  );
}

function nameOf({ metadata: { name } }: Resource, index: number): string {
  const suffix = `-${index}`;
  return `split-${name.slice(0, NAME_LENGTH - 'split-'.length - suffix.length)}${suffix}`;
}

/** At once where etcd takes so many writes; else the old pool goes last, so that no address is ever without a pool. */
async function replace(client: Client, old: Resource, pools: readonly Resource[]): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const created = pools.map((pool): Write => {
    const metadata = { ...pool.metadata, uid: client.newUuid(), creationTimestamp: now };
    return { key: keyOf(pool), value: toStored({ ...pool, metadata }) };
  });
  const gone: Write = { key: keyOf(old), value: null };
  const unchanged: Compare = { key: gone.key, revision: old.metadata.resourceVersion as string };
  for (let start = 0; start < created.length; start += BATCH) {
    const batch = created.slice(start, start + BATCH);
    const last = start + BATCH >= created.length;
    const absent = batch.map(({ key }): Compare => ({ key, revision: null }));
    const done = await client.store.transact([unchanged, ...absent], last ? [...batch, gone] : batch);
    if (done === null)
      throw new CalicoError('E_CONFLICT', `IPPool ${old.metadata.name}`, 'it changed, or a pool of a new name exists', {
        hint: 'calicoctl get ippools shows the pools',
      });
  }
}

function keyOf({ metadata }: Resource): string {
  return resourceKey('ippools', metadata.name);
}
