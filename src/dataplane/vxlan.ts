/**
 * The VXLAN overlay of one family: this host's device, and the ends of others' tunnels (forwarding entries, neighbours, the
 * set of hosts that packets are taken from). Routes through it: routes-to-hosts.ts.
 *
 * What is new comes by `open`, once the family's chains are in the kernel: they let tunnel packets in from known hosts only.
 * What is gone goes at once. A host without an end of its own leaves its device as it is.
 */
import type { Vtep } from '../calc/index.ts';
import type { FdbDriver, FdbEntry } from '../drivers/fdb/index.ts';
import type { IpSetDriver } from '../drivers/ipset/index.ts';
import type { LinkDriver, LinkTable } from '../drivers/links/index.ts';
import type { Neighbour, NeighbourDriver } from '../drivers/neighbours/index.ts';
import { type Cidr, cidrOf, type Family, familyOf, type Ip, TUNNEL_DEVICES } from '../net/index.ts';
import { ipsetName, VXLAN_HOSTS } from '../rules/index.ts';
import { Claims } from './claims.ts';
import type { HostMtu, MtuRule } from './host-mtu.ts';

/** Of one family. */
export interface VxlanEnd {
  readonly mtu: MtuRule;
  /** This host's, in place of what its Node says. */
  readonly address?: Ip;
  readonly mac?: string;
}

export interface VxlanConfig extends Readonly<Record<Family, VxlanEnd>> {
  /** VNI. */
  readonly id: number;
  readonly port: number;
}

export interface VxlanOptions {
  readonly family: Family;
  readonly config: VxlanConfig;
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

const EXTERNAL = 'configuration';
/** Ethernet, UDP, VXLAN, and the outer address family's header. */
const OVERHEAD: Readonly<Record<Family, number>> = { 4: 50, 6: 70 };

export const isVxlanDevice = (name: string): boolean =>
  name === TUNNEL_DEVICES.vxlan4 || name === TUNNEL_DEVICES.vxlan6;

export class Vxlan {
  readonly #drivers: VxlanDrivers;
  readonly #options: VxlanOptions;
  readonly #mtu: HostMtu;
  readonly #device: string;
  readonly #set: string;
  readonly #hostClaims: Claims<Cidr>;
  readonly #neighbourClaims: Claims<Neighbour>;
  readonly #fdbClaims: Claims<FdbEntry>;
  #isOn = false;
  #local: Vtep | undefined;
  #deviceTouched = true;
  readonly #vteps = new Map<string, Vtep>();
  readonly #touched = new Set<string>();
  /** Those whose host is in the set, and those whose entries are there. */
  readonly #admitted = new Map<string, Vtep>();
  readonly #opened = new Map<string, Vtep>();

  constructor(drivers: VxlanDrivers, mtu: HostMtu, options: VxlanOptions) {
    const { ipsets } = drivers;
    this.#drivers = drivers;
    this.#options = options;
    this.#mtu = mtu;
    this.#device = TUNNEL_DEVICES[`vxlan${options.family}`];
    const set = ipsetName(VXLAN_HOSTS, options.family);
    this.#set = set;
    this.#hostClaims = new Claims<Cidr>(
      {
        setDesired: (host) => ipsets.addMembers(set, [host]),
        removeDesired: (host) => ipsets.removeMembers(set, [host]),
      },
      (host) => host,
    );
    this.#neighbourClaims = new Claims<Neighbour>(drivers.neighbours, ({ address }) => address);
    this.#fdbClaims = new Claims<FdbEntry>(drivers.fdb, ({ mac }) => mac);
  }

  /** Off: there is to be no device. */
  turn(isOn: boolean): void {
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.#deviceTouched = true;
    const { family, externalHosts, maxSetSize: maxElements } = this.#options;
    const { ipsets } = this.#drivers;
    if (isOn) ipsets.setDesired({ name: this.#set, type: 'hash:net', family, maxElements }, []);
    for (const host of externalHosts) {
      if (familyOf(host) !== family) continue;
      if (isOn) this.#hostClaims.set(EXTERNAL, host);
      else this.#hostClaims.remove(EXTERNAL, host);
    }
    if (isOn) for (const node of this.#vteps.keys()) this.#touched.add(node);
    else this.#empty();
  }

  setVtep(vtep: Vtep): void {
    if (vtep.local) {
      this.#local = vtep;
      this.#deviceTouched = true;
    } else {
      this.#vteps.set(vtep.node, vtep);
      this.#touched.add(vtep.node);
    }
  }

  removeVtep(node: string): void {
    if (this.#vteps.delete(node)) this.#touched.add(node);
    if (this.#local?.node !== node) return;
    this.#local = undefined;
    this.#deviceTouched = true;
  }

  /** What the device depends on has changed beside its end: links, the host's MTU. */
  onLinks(): void {
    this.#deviceTouched = true;
  }

  /** Takes away what is gone, and admits the hosts that are new. */
  settle(): void {
    if (!this.#isOn) return;
    for (const node of this.#touched) {
      const vtep = this.#vteps.get(node);
      this.#admit(node, vtep);
      if (!vtep) this.#openVtep(node, undefined);
    }
  }

  /** The chains are in the kernel. */
  open(): void {
    if (this.#deviceTouched) this.#openDevice();
    this.#deviceTouched = false;
    if (this.#isOn) for (const node of this.#touched) this.#openVtep(node, this.#vteps.get(node));
    this.#touched.clear();
  }

  #empty(): void {
    for (const node of [...this.#admitted.keys()]) this.#admit(node, undefined);
    for (const node of [...this.#opened.keys()]) this.#openVtep(node, undefined);
    this.#drivers.ipsets.removeDesired(this.#set);
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

  #openDevice(): void {
    const { devices } = this.#drivers;
    const { family, config } = this.#options;
    const local = this.#local;
    if (!this.#isOn) devices.setAbsent(this.#device);
    else if (!local) devices.removeDesired(this.#device);
    else {
      const { mtu, mac = local.mac, address = local.address } = config[family];
      devices.setDesired(this.#device, {
        up: true,
        mtu: this.#mtu.within(mtu, OVERHEAD[family], this.#device),
        mac,
        address,
        vxlan: { id: config.id, port: config.port, local: local.host },
      });
    }
  }
}
