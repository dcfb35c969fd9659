/** Recorded operations, done by our allocator; answers in the recordings' form. */
import type { Store } from '../../datastore/store.ts';
import { CalicoError } from '../../errors/index.ts';
import { type Cidr, type Ip, lengthOf } from '../../net/index.ts';
import { type Assigned, type Ipam, type Owner, type PoolUsage, releaseNode, retirePool } from '../index.ts';
import type { Op, Result, Version } from './recorded.ts';

/** Undefined for what is no operation of an allocator. */
export async function perform(store: Store, ipam: Ipam, op: Op, version: Version): Promise<Result | undefined> {
  if (op.op === 'autoAssign') return autoAssign(ipam, op);
  try {
    return await act(store, ipam, op, version);
  } catch (error) {
    return { error: codeOf(error) };
  }
}

async function act(store: Store, ipam: Ipam, op: Op, version: Version): Promise<Result | undefined> {
  const { host = '', handle = '', attrs = {} } = op;
  const address = op.ip as Ip;
  const emptied = { mustBeEmpty: op.mustBeEmpty ?? false };
  switch (op.op) {
    case 'assignIP':
      return done(ipam.assign(address, ownerOf(op)));
    case 'releaseIPs':
      return { unallocated: await ipam.release(releasesOf(op)) };
    case 'releaseByHandle':
      return done(ipam.releaseByHandle(handle));
    case 'ipsByHandle':
      return { ips: await ipam.addressesOf(handle) };
    case 'getAttrs': {
      const { handle, attributes, alternate } = await ipam.ownerOf(address);
      return { handle, attrs: attributes, ...(alternate && { alternate }) };
    }
    case 'setOwnerAttributes':
      return done(ipam.setOwnerAttributes(address, handle, { alternate: attrs }));
    case 'claimAffinity':
      return { ...(await ipam.claimAffinity(op.cidr as Cidr, host)) };
    case 'releaseAffinity':
      return done(ipam.releaseAffinity(op.cidr as Cidr, host, emptied));
    case 'releaseHostAffinities':
      return done(ipam.releaseHostAffinities(host, emptied));
    case 'removeIPAMHost':
      return done(ipam.releaseHostAffinities({ type: op.affinityType ?? 'host', name: host }));
    case 'deleteNode':
      return done(releaseNode(store, op.name as string));
    case 'deletePool':
      return done(retirePool(store, op.name as string));
    case 'ensureBlock':
      await ipam.ensureBlock(host, 4, op.pools4 ?? []);
      return done(ipam.ensureBlock(host, 6, op.pools6 ?? []));
    case 'getConfig':
      return { config: await spelledConfig(ipam, version) };
    case 'setConfig':
      return done(ipam.setConfig(configOf(op)));
    case 'utilization':
      return { pools: (await ipam.utilization()).map((usage) => spelledUsage(usage, version)) };
    default:
      return undefined;
  }
}

/** The families one after the other; what the first got it keeps. */
async function autoAssign(ipam: Ipam, op: Op): Promise<Result> {
  const out = { v4: [] as string[], v6: [] as string[], short: false };
  try {
    for (const [family, count = 0, pools = []] of [
      [4, op.num4, op.pools4],
      [6, op.num6, op.pools6],
    ] as const) {
      const got = count > 0 ? await ipam.autoAssign({ ...ownerOf(op), family, count, pools }) : null;
      if (got?.shortage) out.short = true;
      if (got) out[`v${family}`] = spelled(got);
    }
    return out;
  } catch (error) {
    return { ...out, error: codeOf(error) };
  }
}

async function done(doing: Promise<unknown>): Promise<Result> {
  await doing;
  return {};
}

function codeOf(error: unknown): string {
  if (error instanceof CalicoError) return error.code;
  throw error;
}

function ownerOf({ host = '', handle, attrs, intendedUse }: Op): Owner {
  return {
    host,
    ...(handle !== undefined && { handle }),
    ...(attrs !== undefined && { attributes: attrs }),
    ...(intendedUse !== undefined && { use: intendedUse }),
  };
}

function releasesOf({ ips = [], handle, sequenceNumber }: Op) {
  return ips.map((ip) => ({
    address: ip as Ip,
    ...(handle !== undefined && { handle }),
    ...(sequenceNumber !== undefined && { sequenceNumber: BigInt(sequenceNumber) }),
  }));
}

function configOf({ strictAffinity = false, autoAllocateBlocks = false, maxBlocksPerHost = 0 }: Op) {
  const newer = { kubeVirtVMAddressPersistence: null, ipCooldownSeconds: 0 };
  return { strictAffinity, autoAllocateBlocks, maxBlocksPerHost, ...newer };
}

function spelled({ assignments }: Assigned): string[] {
  return assignments.map(({ address, block }) => `${address}/${lengthOf(block)}`);
}

async function spelledConfig(ipam: Ipam, version: Version): Promise<Result> {
  const config = await ipam.config();
  const old = { StrictAffinity: config.strictAffinity, AutoAllocateBlocks: config.autoAllocateBlocks };
  if (version === 'v3.15.0') return old;
  const { maxBlocksPerHost, kubeVirtVMAddressPersistence } = config;
  return { ...old, MaxBlocksPerHost: maxBlocksPerHost, KubeVirtVMAddressPersistence: kubeVirtVMAddressPersistence };
}

function spelledUsage({ pool, blocks }: PoolUsage, version: Version): Result {
  return {
    name: pool?.name ?? 'orphaned allocation blocks',
    cidr: pool?.cidr ?? '0.0.0.0/0',
    blocks: blocks.map(({ cidr, capacity, available, inUse, reserved }) => {
      const old = { cidr, capacity, available };
      return version === 'v3.15.0' ? old : { ...old, inUse, reserved };
    }),
  };
}
