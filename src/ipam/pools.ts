/** Pools and reservations as they are stored: which pools a host may take addresses from. Pure. */
import { parseJson } from '../api/json.ts';
import type { KeyValue } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, contains, type Family, familyOf, type Ip, lengthOf, parseCidr } from '../net/index.ts';
import { parseSelector } from '../selector/index.ts';
import type { Reserved } from './block.ts';

export type Use = 'Workload' | 'Tunnel' | 'LoadBalancer';

export interface Pool {
  readonly name: string;
  readonly cidr: Cidr;
  /** Prefix length of its blocks. */
  readonly blockSize: number;
  readonly nodeSelector: string;
  readonly disabled: boolean;
  readonly allowedUses: readonly string[];
  /** False: only who names the pool gets addresses of it. */
  readonly automatic: boolean;
  /** Where it is stored, and in which version. */
  readonly stored: KeyValue;
}

export interface Wanted {
  readonly host: string;
  readonly family: Family;
  readonly use: Use;
  /** Names or prefixes of pools: only these; then neither node selectors nor assignment modes count. */
  readonly pools: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

interface Fields {
  metadata?: { name?: string; labels?: Labels };
  spec?: Record<string, unknown>;
}

const V3_15_USES = ['Workload', 'Tunnel'];

/** By name. One that cannot be read is left out: nothing is given of it. */
export function readPools(items: readonly KeyValue[]): Pool[] {
  return items.flatMap((stored) => {
    const { metadata, spec } = fields(stored);
    const cidr = typeof spec?.cidr === 'string' ? parseCidr(spec.cidr) : null;
    if (!cidr) return [];
    const [byDefault, least, most] = familyOf(cidr) === 4 ? [26, 20, 32] : [122, 116, 128];
    const blockSize = Number(spec?.blockSize || byDefault);
    const fits = blockSize >= Math.max(least, lengthOf(cidr)) && blockSize <= most && Number.isInteger(blockSize);
    return [
      {
        name: metadata?.name ?? '',
        cidr,
        blockSize,
        nodeSelector: String(spec?.nodeSelector ?? ''),
        // Blocks that do not fit into it, or are none, nobody can be given.
        disabled: spec?.disabled === true || !fits,
        allowedUses: Array.isArray(spec?.allowedUses) && spec.allowedUses.length > 0 ? spec.allowedUses : V3_15_USES,
        automatic: spec?.assignmentMode !== 'Manual',
        stored,
      },
    ];
  });
}

/** What IPReservations name; null where that is nothing. */
export function readReserved(items: readonly KeyValue[]): Reserved {
  const prefixes = items.flatMap((item) => {
    const named = fields(item).spec?.reservedCIDRs;
    return Array.isArray(named) ? named.flatMap((text) => parseCidr(String(text)) ?? []) : [];
  });
  if (prefixes.length === 0) return null;
  const around = (inside: Ip | Cidr) => prefixes.find((prefix) => contains(prefix, inside));
  return { has: (address) => around(address) !== undefined, around };
}

export function readLabels(node: KeyValue | undefined): Labels {
  return (node && fields(node).metadata?.labels) || {};
}

/** The pool that holds the address, or the whole of the prefix. */
export function poolOf(pools: readonly Pool[], inside: Ip | Cidr): Pool | undefined {
  return pools.find((pool) => contains(pool.cidr, inside));
}

/** Does the pool's nodeSelector select a node with these labels? One that does not parse selects none. */
export function selects({ nodeSelector }: Pick<Pool, 'nodeSelector'>, labels: Labels): boolean {
  if (nodeSelector === '' || nodeSelector === 'all()') return true;
  try {
    return parseSelector(nodeSelector).evaluate((label) => labels[label]);
  } catch {
    return false;
  }
}

/** E_NOT_FOUND: there is none, or one that was asked for is not there or disabled. */
export function poolsFor(all: readonly Pool[], wanted: Wanted, labels: Labels): Pool[] {
  const { host, family, use } = wanted;
  const enabled = all.filter((pool) => !pool.disabled && familyOf(pool.cidr) === family);
  const chosen =
    wanted.pools.length > 0
      ? wanted.pools.map((named) => askedFor(enabled, named))
      : enabled.filter((pool) => pool.automatic && selects(pool, labels));
  const usable = chosen.filter((pool) => pool.allowedUses.includes(use));
  if (usable.length > 0) return usable;
  if (chosen.length > 0)
    throw new CalicoError('E_NOT_FOUND', host, `no IPv${family} pool of this node allows the use ${use}`, {
      hint: 'see allowedUses of the IPPools',
    });
  throw new CalicoError('E_NOT_FOUND', host, `no IPv${family} pool is configured for this node`, {
    hint: 'create an IPPool whose nodeSelector selects the node and that is not disabled',
  });
}

function askedFor(pools: readonly Pool[], named: string): Pool {
  const prefix = parseCidr(named);
  const pool = pools.find(({ cidr, name }) => name === named || cidr === prefix);
  if (!pool) throw new CalicoError('E_NOT_FOUND', named, 'the pool does not exist, or is disabled');
  return pool;
}

function fields({ value }: KeyValue): Fields {
  try {
    return (parseJson(value) ?? {}) as Fields;
  } catch {
    return {};
  }
}
