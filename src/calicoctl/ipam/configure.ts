/** How allocation is set: `ipam show --show-configuration` and `ipam configure`. */
import { CalicoError } from '../../errors/index.ts';
import { Ipam, type IpamConfig } from '../../ipam/index.ts';
import type { Io } from '../io.ts';
import { bordered } from '../output/bordered.ts';
import { withClient } from '../session.ts';

export interface ConfigureOptions {
  readonly config?: string;
  readonly strictaffinity?: string;
  readonly maxBlocksPerHost?: string;
  readonly kubevirtIpPersistence?: string;
  readonly ipCooldownSeconds?: string;
}

type Changes = Partial<IpamConfig>;

/** What can be set, and how it is called. */
const TITLES: readonly [keyof IpamConfig, string][] = [
  ['strictAffinity', 'StrictAffinity'],
  ['maxBlocksPerHost', 'MaxBlocksPerHost'],
  ['kubeVirtVMAddressPersistence', 'KubeVirtVMAddressPersistence'],
  ['ipCooldownSeconds', 'IPCooldownSeconds'],
];

export function configurationTable(config: IpamConfig): string {
  // What v3.15 does not know is shown where it is set.
  const newer = TITLES.slice(1).filter(([field]) => config[field]);
  return bordered(
    ['PROPERTY', 'VALUE'],
    [
      ['StrictAffinity', String(config.strictAffinity)],
      ['AutoAllocateBlocks', String(config.autoAllocateBlocks)],
      ...newer.map(([field, title]) => [title, String(config[field])]),
    ],
  );
}

/** E_USAGE. */
function parseChanges(options: ConfigureOptions): Changes {
  const { strictaffinity, maxBlocksPerHost, kubevirtIpPersistence, ipCooldownSeconds } = options;
  const changes = {
    ...(strictaffinity !== undefined && { strictAffinity: flag('--strictaffinity', strictaffinity) }),
    ...(maxBlocksPerHost !== undefined && {
      maxBlocksPerHost: whole('--max-blocks-per-host', maxBlocksPerHost, 1_000_000),
    }),
    ...(kubevirtIpPersistence !== undefined && { kubeVirtVMAddressPersistence: persistence(kubevirtIpPersistence) }),
    ...(ipCooldownSeconds !== undefined && {
      ipCooldownSeconds: whole('--ip-cooldown-seconds', ipCooldownSeconds, 1200),
    }),
  };
  if (Object.keys(changes).length > 0) return changes;
  throw new CalicoError('E_USAGE', 'calicoctl ipam configure', 'needs something to set', {
    hint: 'such as --strictaffinity=true',
  });
}

export async function configure(io: Io, options: ConfigureOptions): Promise<void> {
  const changes = parseChanges(options);
  await withClient(io, options.config, async ({ store }) => {
    const ipam = new Ipam(store);
    const current = await ipam.config();
    const wanted = { ...current, ...changes };
    // As upstream: what is so already is not written, and may be so by default.
    if (TITLES.some(([field]) => wanted[field] !== current[field])) await ipam.setConfig(wanted);
  });
  for (const [field, title] of TITLES)
    if (field in changes) io.out(`Successfully set ${title} to: ${changes[field]}\n`);
}

/** As Go reads truth values. */
function flag(option: string, argument: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(argument)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(argument)) return false;
  throw new CalicoError('E_USAGE', option, `'${argument}' is neither true nor false`);
}

function whole(option: string, argument: string, most: number): number {
  if (/^\d{1,9}$/.test(argument) && Number(argument) <= most) return Number(argument);
  throw new CalicoError('E_USAGE', option, `'${argument}' is not a number from 0 to ${most}`);
}

function persistence(argument: string): string {
  if (argument === 'Enabled' || argument === 'Disabled') return argument;
  throw new CalicoError('E_USAGE', '--kubevirt-ip-persistence', `'${argument}' is neither Enabled nor Disabled`);
}
