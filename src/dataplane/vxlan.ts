/**
 * The VXLAN overlay of one family: this host's device, the ends of others' tunnels (forwarding entries, neighbours, the set
 * of hosts that packets are taken from), and the routes through it; in a cross-subnet pool also routes beside it.
 *
 * What is new comes by `open`, once the family's chains are in the kernel: they let tunnel packets in from known hosts only.
 * What is gone goes at once. A host without an end of its own leaves its device as it is.
 */
import type { RemoteRoute, Vtep } from '../calc/index.ts';
import type { FdbDriver, FdbEntry } from '../drivers/fdb/index.ts';
import type { IpSetDriver } from '../drivers/ipset/index.ts';
import type { LinkDriver, LinkTable } from '../drivers/links/index.ts';
import type { Neighbour, NeighbourDriver } from '../drivers/neighbours/index.ts';
import type { Route } from '../drivers/routes/index.ts';
import { type Cidr, cidrOf, type Family, familyOf, type Ip } from '../net/index.ts';
import { ipsetName, VXLAN_HOSTS } from '../rules/index.ts';
import { Claims, type ClaimTarget } from './claims.ts';

export interface VxlanConfig {
  /** VNI. */
  readonly id: number;
  readonly port: number;
  readonly mtu: number;
  /** This host's, in place of what its Node says. */
  readonly address?: Ip;
  readonly mac?: string;
}

export interface VxlanOptions {
  readonly family: Family;
  /** Undefined: VXLAN is off, and there is to be no device. */
  readonly config: VxlanConfig | undefined;
  /** Of every route through the tunnel. */
  readonly route: Pick<Route, 'protocol' | 'source'>;
  /** Tunnel packets are taken from these, too. */
  readonly externalHosts: readonly Cidr[];
  readonly maxSetSize: number;
}

export interface VxlanDrivers {
  readonly links: LinkTable;
  readonly devices: LinkDriver;
  readonly fdb: FdbDriver;
  readonly neighbours: NeighbourDriver;
  readonly ipsets: IpSetDriver;
}

/** Upstream's, for routes beside the tunnel. */
export const DIRECT_ROUTE_PROTOCOL = 80;
const OWNER = 'VXLAN';
/** A workload that is here is here, whatever blocks say. */
const BELOW_WORKLOADS = -1;

export const vxlanDevice = (family: Family): string => (family === 4 ? 'vxlan.calico' : 'vxlan-v6.calico');
export const isVxlanDevice = (name: string): boolean => name === vxlanDevice(4) || name === vxlanDevice(6);

export class Vxlan {
  readonly #drivers: VxlanDrivers;
  readonly #options: VxlanOptions;
  readonly #device: string;
  readonly #routeClaims: Claims<Route>;
  readonly #hostClaims: Claims<Cidr>;
  readonly #neighbourClaims: Claims<Neighbour>;
  readonly #fdbClaims: Claims<FdbEntry>;
  #local: Vtep | undefined;
  #deviceTouched = true;
  /** The link that has this host's address. */
  #parent: string | undefined;
  readonly #vteps = new Map<string, Vtep>();
  readonly #routes = new Map<Cidr, RemoteRoute>();
  readonly #touchedVteps = new Set<string>();
  readonly #touchedRoutes = new Set<Cidr>();
  /** Those whose host is in the set, and those whose entries are there. */
  readonly #admitted = new Map<string, Vtep>();
  readonly #opened = new Map<string, Vtep>();

  /** `routes`: those of the family, in which workloads have their say, too. */
  constructor(drivers: VxlanDrivers, routes: Claims<Route>, options: VxlanOptions) {
    this.#drivers = drivers;
    this.#options = options;
    this.#device = vxlanDevice(options.family);
    this.#routeClaims = routes;
    this.#hostClaims = new Claims<Cidr>(this.#hostSet(), (host) => host);
    this.#neighbourClaims = new Claims<Neighbour>(drivers.neighbours, ({ address }) => address);
    this.#fdbClaims = new Claims<FdbEntry>(drivers.fdb, ({ mac }) => mac);
    const external = options.config ? options.externalHosts : [];
    for (const host of external) if (familyOf(host) === options.family) this.#hostClaims.set(OWNER, host);
  }

  setVtep(vtep: Vtep): void {
    if (vtep.local) {
      this.#local = vtep;
      this.#deviceTouched = true;
    } else {
      this.#vteps.set(vtep.node, vtep);
      this.#touchedVteps.add(vtep.node);
    }
  }

  removeVtep(node: string): void {
    if (this.#vteps.delete(node)) this.#touchedVteps.add(node);
    if (this.#local?.node !== node) return;
    this.#local = undefined;
    this.#deviceTouched = true;
  }

  setRoute(route: RemoteRoute): void {
    this.#routes.set(route.dst, route);
    this.#touchedRoutes.add(route.dst);
  }

  removeRoute(dst: Cidr): void {
    this.#routes.delete(dst);
    this.#touchedRoutes.add(dst);
  }

  /** Some address of this host came or went: routes beside the tunnel may leave by another link. */
  onAddresses(): void {
    this.#deviceTouched = true;
  }

  /** Takes away what is gone, and admits the hosts that are new. */
  settle(): void {
    if (!this.#options.config) return;
    for (const dst of this.#touchedRoutes) if (!this.#routes.has(dst)) this.#routeClaims.remove(OWNER, { dst });
    for (const node of this.#touchedVteps) {
      const vtep = this.#vteps.get(node);
      this.#admit(node, vtep);
      if (!vtep) this.#openVtep(node, undefined);
    }
  }

  /** The chains are in the kernel. */
  open(): void {
    const { config } = this.#options;
    if (this.#deviceTouched) this.#openDevice(config);
    this.#deviceTouched = false;
    if (config) {
      for (const node of this.#touchedVteps) this.#openVtep(node, this.#vteps.get(node));
      for (const dst of this.#touchedRoutes) this.#openRoute(this.#routes.get(dst));
    }
    this.#touchedVteps.clear();
    this.#touchedRoutes.clear();
  }

  #admit(node: string, vtep: Vtep | undefined): void {
    const before = this.#admitted.get(node);
    if (before && before.host !== vtep?.host) this.#hostClaims.remove(node, cidrOf(before.host));
    if (vtep) {
      this.#hostClaims.set(node, cidrOf(vtep.host));
      this.#admitted.set(node, vtep);
    } else this.#admitted.delete(node);
  }

  #openVtep(node: string, vtep: Vtep | undefined): void {
    const device = this.#device;
    const before = this.#opened.get(node);
    if (before) {
      this.#neighbourClaims.remove(node, { ...before, device });
      this.#fdbClaims.remove(node, { ...before, device });
      this.#opened.delete(node);
    }
    if (!vtep) return;
    const { address, mac, host } = vtep;
    this.#neighbourClaims.set(node, { device, address, mac });
    this.#fdbClaims.set(node, { device, mac, host });
    this.#opened.set(node, vtep);
  }

  #openRoute(remote: RemoteRoute | undefined): void {
    if (!remote) return;
    const { dst, gateway, encapsulated } = remote;
    const device = encapsulated ? this.#device : this.#parent;
    const route = encapsulated ? this.#options.route : { protocol: DIRECT_ROUTE_PROTOCOL };
    if (device === undefined) this.#routeClaims.remove(OWNER, { dst });
    else this.#routeClaims.set(OWNER, { ...route, dst, gateway, device, onlink: true }, BELOW_WORKLOADS);
  }

  #openDevice(config: VxlanConfig | undefined): void {
    const { devices, links } = this.#drivers;
    if (!config) {
      devices.setAbsent(this.#device);
      return;
    }
    const local = this.#local;
    const parent = local && links.byAddress(local.host)?.name;
    if (parent !== this.#parent) {
      this.#parent = parent;
      for (const { dst, encapsulated } of this.#routes.values()) if (!encapsulated) this.#touchedRoutes.add(dst);
    }
    if (!local) {
      devices.removeDesired(this.#device);
      return;
    }
    const { id, port, mtu, mac = local.mac, address = local.address } = config;
    devices.setDesired(this.#device, { up: true, mtu, mac, address, vxlan: { id, port, local: local.host } });
  }

  /** Those that tunnel packets are taken from. */
  #hostSet(): ClaimTarget<Cidr> {
    const { family, config, maxSetSize: maxElements } = this.#options;
    const { ipsets } = this.#drivers;
    const name = ipsetName(VXLAN_HOSTS, family);
    if (config) ipsets.setDesired({ name, type: 'hash:net', family, maxElements }, []);
    return {
      setDesired: (host) => ipsets.addMembers(name, [host]),
      removeDesired: (host) => ipsets.removeMembers(name, [host]),
    };
  }
}
