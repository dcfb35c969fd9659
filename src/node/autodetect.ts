/** Finds the address by which other nodes reach this one. */
import { CalicoError } from '../errors/index.ts';
import {
  cidr,
  contains,
  type Family,
  familyOf,
  type Ip,
  maxLength,
  TUNNEL_DEVICES,
  WIREGUARD_DEVICES,
} from '../net/index.ts';
import type { HostInterface } from './interfaces.ts';
import type { Method } from './method.ts';

/** What this host is asked for; tests give another. */
export interface Host {
  interfaces(): HostInterface[];
  /** The address that packets to the destination, an address or a name, leave with. E_NOT_FOUND. */
  sourceTowards(destination: string, family: Family): Promise<Ip>;
  /** What Kubernetes calls the node's internal addresses. E_NOT_FOUND, E_CONFIG. */
  internalAddresses(): Promise<Ip[]>;
}

export interface Found {
  readonly address: Ip;
  readonly prefixLength: number;
  /** Null: no interface of this host has the address. */
  readonly on: HostInterface | null;
}

/** What the names of interfaces begin with that hold no address of the host itself: of containers, VMs, and of Calico. */
export const FOREIGN_PREFIXES = [
  ...['docker', 'cbr', 'dummy', 'virbr', 'lxcbr', 'veth', 'lo', 'cali', 'tunl', 'flannel', 'kube-ipvs', 'cni'],
  ...[TUNNEL_DEVICES.vxlan4, TUNNEL_DEVICES.vxlan6, ...WIREGUARD_DEVICES, 'nodelocaldns'],
];
const FOREIGN = FOREIGN_PREFIXES.map((prefix) => new RegExp(`^${prefix.replaceAll('.', '\\.')}`));

/** Unspecified, loopback, link-local, multicast, broadcast. */
const EXCLUDED = [
  ...['0.0.0.0/32', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32'],
  ...['::/128', '::1/128', 'fe80::/10', 'ff00::/8'],
].map(cidr);

/**
 * `keep`: where several would do, an address that is to stay; other nodes know it. E_NOT_FOUND where the method finds none;
 * and what the host's answers throw.
 */
export async function detect(method: Method, family: Family, host: Host, keep?: Ip): Promise<Found> {
  const found = await find(method, family, host, keep);
  if (found) return found;
  throw new CalicoError('E_NOT_FOUND', `IPv${family}`, `no address of this host is found by ${method.type}`, {
    hint: `set IP${family === 6 ? '6' : ''} to the address, or another IP${family === 6 ? '6' : ''}_AUTODETECTION_METHOD`,
  });
}

async function find(method: Method, family: Family, host: Host, keep?: Ip): Promise<Found | null> {
  const interfaces = host.interfaces();
  const matches = (names: readonly RegExp[]) => (of: HostInterface) => names.some((name) => name.test(of.name));
  const first = (of: readonly HostInterface[], wanted: (address: Ip) => boolean = () => true) => {
    const found = candidates(of, family).filter(({ address }) => wanted(address));
    return found.find(({ address }) => address === keep) ?? found[0] ?? null;
  };
  switch (method.type) {
    case 'first-found':
      return first(interfaces.filter((of) => !matches(FOREIGN)(of)));
    case 'skip-interface':
      return first(interfaces.filter((of) => !matches([...FOREIGN, ...method.names])(of)));
    case 'interface':
      return first(interfaces.filter(matches(method.names)));
    case 'cidr':
      return first(interfaces, (address) => method.prefixes.some((prefix) => contains(prefix, address)));
    case 'can-reach':
      return locate(await host.sourceTowards(method.destination, family), interfaces);
    case 'kubernetes-internal-ip': {
      const address = (await host.internalAddresses()).find((address) => familyOf(address) === family);
      return address ? withPrefix(address, interfaces) : null;
    }
  }
}

/** The address with the prefix length of the interface that has it, or alone. */
export function withPrefix(address: Ip, interfaces: readonly HostInterface[]): Found {
  return locate(address, interfaces) ?? { address, prefixLength: maxLength(familyOf(address)), on: null };
}

/** Null: no interface has it. */
export function locate(address: Ip, interfaces: readonly HostInterface[]): Found | null {
  for (const on of interfaces) {
    const found = on.addresses.find((candidate) => candidate.address === address);
    if (found) return { address, prefixLength: found.prefixLength, on };
  }
  return null;
}

function candidates(interfaces: readonly HostInterface[], family: Family): Found[] {
  return interfaces.flatMap((on) =>
    on.addresses
      .filter((of) => of.family === family && isGlobal(of.address))
      .map(({ address, prefixLength }) => ({ address, prefixLength, on })),
  );
}

function isGlobal(address: Ip): boolean {
  return !EXCLUDED.some((prefix) => contains(prefix, address));
}
