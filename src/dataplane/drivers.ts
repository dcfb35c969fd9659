/** The kernel tables that the dataplane keeps. */
import { ConntrackDriver } from '../drivers/conntrack/index.ts';
import { FdbDriver } from '../drivers/fdb/index.ts';
import { IpSetDriver } from '../drivers/ipset/index.ts';
import { detectBackend, Iptables } from '../drivers/iptables/index.ts';
import { LinkDriver, LinkTable } from '../drivers/links/index.ts';
import { NeighbourDriver } from '../drivers/neighbours/index.ts';
import { QdiscDriver } from '../drivers/qdiscs/index.ts';
import { RouteDriver } from '../drivers/routes/index.ts';
import { SysctlDriver } from '../drivers/sysctl/index.ts';
import { exec, NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from '../kernel/index.ts';
import type { DataplaneConfig } from './config.ts';
import { KernelLeftovers, type Leftovers } from './leftovers.ts';
import { TUNNEL_ROUTE_PROTOCOL } from './routes-to-hosts.ts';
import { isVxlanDevice } from './vxlan.ts';

export interface Drivers {
  readonly links: LinkTable;
  readonly iptables: readonly Iptables[];
  readonly ipsets: IpSetDriver;
  /** Links of our own making. */
  readonly devices: LinkDriver;
  readonly routes: RouteDriver;
  readonly neighbours: NeighbourDriver;
  readonly fdb: FdbDriver;
  readonly qdiscs: QdiscDriver;
  readonly sysctls: SysctlDriver;
  readonly conntrack: ConntrackDriver;
  readonly leftovers: Leftovers;
  /** Of the socket that changes routes: its notifications are our own. */
  readonly routePort: number;
  /** Nothing may be asked of them afterwards. */
  close(): void;
}

export interface DriverOptions {
  /** How long unexpected routes on our interfaces stay; default: as long as after a start. */
  readonly graceMs?: number;
}

/** Opens the kernel's tables, which `Dataplane` reads; nothing is written. E_KERNEL. */
export async function openDrivers(config: DataplaneConfig, { graceMs }: DriverOptions = {}): Promise<Drivers> {
  const clock = (): number => performance.now();
  const { families, rules } = config;
  const backend = await detectBackend(config.iptables.backend, exec);
  const iptables = families.map((family) => new Iptables({ ...config.iptables, family, backend, run: exec, clock }));
  const socket = new NetlinkSocket(NETLINK_ROUTE, { timeoutMs: config.netlinkTimeout });
  const links = new LinkTable(socket);
  const isWorkloads = (name: string): boolean => rules.interfacePrefixes.some((prefix) => name.startsWith(prefix));
  const ownsInterface = (name: string): boolean => isVxlanDevice(name) || isWorkloads(name);
  const removeExternal = (protocol: number): boolean =>
    config.removeExternalRoutes || protocol === config.routeProtocol;
  const ownsProtocol = (protocol: number): boolean => protocol === TUNNEL_ROUTE_PROTOCOL;
  const netfilter = new NetlinkSocket(NETLINK_NETFILTER, { timeoutMs: config.netlinkTimeout });
  const network = { socket, links, ownsInterface, removeExternal, clock };
  return {
    links,
    iptables,
    ipsets: new IpSetDriver({ socket: netfilter, families, clock }),
    devices: new LinkDriver({ socket, links, clock }),
    routes: new RouteDriver({ ...network, ownsProtocol, families, ...(graceMs !== undefined && { graceMs }) }),
    neighbours: new NeighbourDriver({ socket, links, families, ownsInterface, clock }),
    fdb: new FdbDriver({ socket, links, ownsInterface, clock }),
    qdiscs: new QdiscDriver({ socket, links, ownsInterface: isWorkloads, clock }),
    sysctls: new SysctlDriver({ clock }),
    conntrack: new ConntrackDriver({ clock }),
    leftovers: new KernelLeftovers({ config, backend, run: exec, netfilter, network }),
    routePort: socket.port,
    close() {
      for (const opened of [socket, netfilter]) opened.close();
    },
  };
}
