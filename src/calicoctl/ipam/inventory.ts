/** What the datastore holds about addresses. One entry that cannot be read goes to `onProblem`, and the others stay. */
import { parseJson } from '../../api/index.ts';
import { IPAM_BLOCKS, type KeyValue, type Store } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { type Block, type Pool, parseBlock, readPools } from '../../ipam/index.ts';
import { POOLS, RESERVATIONS } from '../../ipam/keys.ts';
import { type Cidr, parseCidr } from '../../net/index.ts';

export type OnProblem = (problem: CalicoError) => void;

/** By key: as text, IPv4 first. */
export async function readBlocks(store: Store, onProblem: OnProblem): Promise<Block[]> {
  const { items } = await store.list(IPAM_BLOCKS);
  return items.flatMap((item) => attempt(item, 'is no block of addresses', onProblem, parseBlock));
}

/** By name. */
export async function readAllPools(store: Store): Promise<Pool[]> {
  return readPools((await store.list(POOLS)).items);
}

/** What IPReservations keep from being given, each address once. */
export async function readReservations(store: Store, onProblem: OnProblem): Promise<Cidr[]> {
  const { items } = await store.list(RESERVATIONS);
  return items.flatMap((item) => attempt(item, 'is no IPReservation', onProblem, prefixes)).flat();
}

function prefixes(json: string): Cidr[] {
  const { spec } = parseJson(json) as { spec?: { reservedCIDRs?: unknown } };
  const named = Array.isArray(spec?.reservedCIDRs) ? spec.reservedCIDRs : [];
  return named.flatMap((text) => parseCidr(String(text)) ?? []);
}

function attempt<T>({ key, value }: KeyValue, what: string, onProblem: OnProblem, read: (json: string) => T): T[] {
  try {
    return [read(value)];
  } catch (cause) {
    onProblem(new CalicoError('E_DATASTORE', key, what, { hint: 'it is left out', cause }));
    return [];
  }
}
