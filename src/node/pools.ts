/** The pools that a cluster without any gets from the first node that starts. */
import type { Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, cidr, cidrOf, contains, type Family, familyOf, formatIp, parseCidr } from '../net/index.ts';
import { type Environment, flag } from './variables.ts';

export interface Surroundings {
  /** The networks that this host is in. */
  readonly networks: readonly Cidr[];
  /** Can this kernel speak IPv6? */
  readonly ipv6: boolean;
  randomBytes(count: number): Uint8Array;
}

/** In order of preference; none of them is routed in the Internet. */
const CANDIDATES = ['192.168.0.0/16', ...Array.from({ length: 16 }, (_, i) => `172.${16 + i}.0.0/16`)].map(cidr);

/** For each family of which there is none. E_CONFIG. */
export function defaultPools(env: Environment, existing: readonly Resource[], around: Surroundings): Resource[] {
  if (flag(env, 'NO_DEFAULT_POOLS', false)) {
    for (const name of ['CALICO_IPV4POOL_CIDR', 'CALICO_IPV6POOL_CIDR'] as const)
      if (env[name]) throw new CalicoError('E_CONFIG', name, 'cannot be set beside NO_DEFAULT_POOLS');
    return [];
  }
  const families = new Set(existing.flatMap(({ spec }) => parseCidr(String(spec?.cidr)) ?? []).map(familyOf));
  const pools: Resource[] = [];
  if (!families.has(4)) pools.push(pool(env, 4, env.CALICO_IPV4POOL_CIDR || unused(around.networks)));
  if (!families.has(6) && around.ipv6 && flag(env, 'FELIX_IPV6SUPPORT', true))
    pools.push(pool(env, 6, env.CALICO_IPV6POOL_CIDR || uniqueLocal(around)));
  return pools;
}

function pool(env: Environment, family: Family, prefix: string): Resource {
  const parsed = parseCidr(prefix);
  const variable = `CALICO_IPV${family}POOL_CIDR` as const;
  if (!parsed || !prefix.includes('/') || familyOf(parsed) !== family)
    throw new CalicoError('E_CONFIG', variable, `is no IPv${family} prefix: '${prefix}'`);
  const natOutgoing = flag(env, `CALICO_IPV${family}POOL_NAT_OUTGOING`, family === 4);
  const disableBGPExport = flag(env, `CALICO_IPV${family}POOL_DISABLE_BGP_EXPORT`, false);
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPPool',
    metadata: { name: `default-ipv${family}-ippool` },
    spec: {
      cidr: parsed,
      vxlanMode: mode(env, `CALICO_IPV${family}POOL_VXLAN`),
      ipipMode: family === 4 ? mode(env, 'CALICO_IPV4POOL_IPIP') : 'Never',
      ...(natOutgoing && { natOutgoing }),
      ...(disableBGPExport && { disableBGPExport }),
      blockSize: blockSize(env, family),
      nodeSelector: env[`CALICO_IPV${family}POOL_NODE_SELECTOR`] || 'all()',
    },
  };
}

const MODES: Readonly<Record<string, string>> = {
  '': 'Never',
  never: 'Never',
  off: 'Never',
  always: 'Always',
  crosssubnet: 'CrossSubnet',
  'cross-subnet': 'CrossSubnet',
};

function mode(
  env: Environment,
  name: 'CALICO_IPV4POOL_IPIP' | 'CALICO_IPV4POOL_VXLAN' | 'CALICO_IPV6POOL_VXLAN',
): string {
  const found = MODES[(env[name] ?? '').toLowerCase()];
  if (found) return found;
  throw new CalicoError('E_CONFIG', name, `is no mode: '${env[name]}'`, { hint: 'Always, CrossSubnet or Never' });
}

function blockSize(env: Environment, family: Family): number {
  const name = `CALICO_IPV${family}POOL_BLOCK_SIZE` as const;
  const [byDefault, least, most] = family === 4 ? [26, 20, 32] : [122, 116, 128];
  const text = env[name] || String(byDefault);
  if (/^\d{1,3}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new CalicoError('E_CONFIG', name, `is no size of a block: '${text}'`, { hint: `${least} to ${most}` });
}

function unused(networks: readonly Cidr[]): Cidr {
  const free = CANDIDATES.find((pool) => !networks.some((net) => contains(pool, net) || contains(net, pool)));
  if (free) return free;
  throw new CalicoError('E_CONFIG', 'CALICO_IPV4POOL_CIDR', "every usual prefix overlaps a network of this host's", {
    hint: 'name a prefix that is used nowhere else',
  });
}

/** A prefix that, being random, no other cluster has. */
function uniqueLocal({ randomBytes }: Surroundings): Cidr {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  bytes.set(randomBytes(5), 1);
  return cidrOf(formatIp(bytes), 48);
}
