/** The cluster's settings of allocation. */
import { parseJson, toJson } from '../api/json.ts';
import { CalicoError } from '../errors/index.ts';

export interface IpamConfig {
  /** Never use addresses of another host's block. */
  readonly strictAffinity: boolean;
  /** Claim blocks as they are needed. */
  readonly autoAllocateBlocks: boolean;
  /** 0: as many as needed. */
  readonly maxBlocksPerHost: number;
  /** Newer releases: `Enabled` or `Disabled`; null: not said. */
  readonly kubeVirtVMAddressPersistence: string | null;
  /** Newer releases: seconds before a released address is given again. Kept, and not heeded: the queue of each block gives the address that was released longest ago. */
  readonly ipCooldownSeconds: number;
}

interface Stored {
  strict_affinity?: boolean;
  auto_allocate_blocks?: boolean;
  maxBlocksPerHost?: number;
  kubeVirtVMAddressPersistence?: string;
  ipCooldownSeconds?: number;
}

/** `newer`: what is the default where nothing is stored, of v3.15 or of the newer releases. */
export function parseConfig(json: string | undefined, newer: boolean): IpamConfig {
  const absent: Stored = { auto_allocate_blocks: true, ...(newer && { kubeVirtVMAddressPersistence: 'Enabled' }) };
  const stored = json === undefined ? absent : ((parseJson(json) ?? {}) as Stored);
  return {
    strictAffinity: stored.strict_affinity ?? false,
    autoAllocateBlocks: stored.auto_allocate_blocks ?? false,
    maxBlocksPerHost: stored.maxBlocksPerHost ?? 0,
    kubeVirtVMAddressPersistence: stored.kubeVirtVMAddressPersistence ?? null,
    ipCooldownSeconds: stored.ipCooldownSeconds ?? 0,
  };
}

/** What is zero or false is left out, as upstream does. Fields of `previous` that we do not know are kept. E_INVALID. */
export function formatConfig(config: IpamConfig, previous: string | undefined): string {
  if (!config.strictAffinity && !config.autoAllocateBlocks)
    throw invalid('StrictAffinity and AutoAllocateBlocks cannot both be off: no host could get an address');
  if (config.maxBlocksPerHost > 0 && !config.strictAffinity)
    throw invalid('MaxBlocksPerHost needs StrictAffinity: else a host would borrow instead');
  const {
    strict_affinity,
    auto_allocate_blocks,
    maxBlocksPerHost,
    kubeVirtVMAddressPersistence,
    ipCooldownSeconds,
    ...unknown
  } = previous === undefined ? ({} as Stored) : (parseJson(previous) as Stored);
  return toJson({
    ...(config.strictAffinity && { strict_affinity: true }),
    ...(config.autoAllocateBlocks && { auto_allocate_blocks: true }),
    ...(config.maxBlocksPerHost > 0 && { maxBlocksPerHost: config.maxBlocksPerHost }),
    ...(config.kubeVirtVMAddressPersistence !== null && {
      kubeVirtVMAddressPersistence: config.kubeVirtVMAddressPersistence,
    }),
    ...(config.ipCooldownSeconds > 0 && { ipCooldownSeconds: config.ipCooldownSeconds }),
    ...unknown,
  });
}

function invalid(message: string): CalicoError {
  return new CalicoError('E_INVALID', 'IPAM configuration', message);
}
