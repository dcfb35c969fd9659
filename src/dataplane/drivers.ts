/** The kernel tables that the dataplane keeps. */
import { ConntrackDriver } from '../drivers/conntrack/index.ts';
import { IpSetDriver } from '../drivers/ipset/index.ts';
import { detectBackend, Iptables } from '../drivers/iptables/index.ts';
import { LinkTable } from '../drivers/links/index.ts';
import { NeighbourDriver } from '../drivers/neighbours/index.ts';
import { RouteDriver } from '../drivers/routes/index.ts';
import { SysctlDriver } from '../drivers/sysctl/index.ts';
import { exec, NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from '../kernel/index.ts';
import type { DataplaneConfig } from './config.ts';

export interface Drivers {
  readonly links: LinkTable;
  readonly iptables: readonly Iptables[];
  readonly ipsets: IpSetDriver;
  readonly routes: RouteDriver;
  readonly neighbours: NeighbourDriver;
  readonly sysctls: SysctlDriver;
  readonly conntrack: ConntrackDriver;
  /** Of the socket that changes routes: its notifications are our own. */
  readonly routePort: number;
}

/** Opens the kernel's tables and reads links; the others are read by `Dataplane`. E_KERNEL. */
export async function openDrivers(
  config: DataplaneConfig,
  onRefused: (table: string, chain: string, reason: string) => void,
): Promise<Drivers> {
  const clock = (): number => performance.now();
  const { families, rules } = config;
  const backend = await detectBackend(config.iptables.backend, exec);
  const iptables = families.map(
    (family) => new Iptables({ ...config.iptables, family, backend, run: exec, onRefused }),
  );
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  const links = new LinkTable(socket);
  const ownsInterface = (name: string): boolean => rules.interfacePrefixes.some((prefix) => name.startsWith(prefix));
  const removeExternal = (protocol: number): boolean =>
    config.removeExternalRoutes || protocol === config.routeProtocol;
  return {
    links,
    iptables,
    ipsets: new IpSetDriver({ socket: new NetlinkSocket(NETLINK_NETFILTER), families, clock }),
    routes: new RouteDriver({ socket, links, families, ownsInterface, removeExternal, clock }),
    neighbours: new NeighbourDriver({ socket, links, families, ownsInterface, clock }),
    sysctls: new SysctlDriver({ clock }),
    conntrack: new ConntrackDriver({ clock }),
    routePort: socket.port,
  };
}
