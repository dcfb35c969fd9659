/** This host's network interfaces and their addresses, in the kernel's order. */
import { dumpAddresses, dumpLinks, dumpRoutes, NETLINK_ROUTE, NetlinkSocket, TABLE_MAIN } from '../kernel/index.ts';
import { type Family, type Ip, lengthOf } from '../net/index.ts';

export interface InterfaceAddress {
  readonly family: Family;
  readonly address: Ip;
  readonly prefixLength: number;
}

export interface HostInterface {
  readonly name: string;
  /** `bridge`, `wireguard`, `tun`, …; empty for hardware and loopback. */
  readonly kind: string;
  readonly up: boolean;
  /** The families whose default route leaves by it. */
  readonly defaultRoutes: readonly Family[];
  readonly addresses: readonly InterfaceAddress[];
}

/** E_KERNEL. */
export function hostInterfaces(): HostInterface[] {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const addresses = dumpAddresses(socket);
    const defaults = ([4, 6] as const).map((family) => ({
      family,
      links: new Set(
        dumpRoutes(socket, family, TABLE_MAIN)
          .filter(({ dst, type }) => lengthOf(dst) === 0 && type === 'unicast')
          .map(({ link }) => link),
      ),
    }));
    return dumpLinks(socket).map(({ index, name, kind, up }) => ({
      name,
      kind,
      up,
      defaultRoutes: defaults.filter(({ links }) => links.has(index)).map(({ family }) => family),
      addresses: addresses.filter((address) => address.index === index),
    }));
  } finally {
    socket.close();
  }
}
