/**
 * This host's IP-in-IP device: the one that the kernel's module brings for packets of any two hosts. Where each packet goes is
 * said by its route (routes-to-hosts.ts), from whom packets are taken by the chains.
 */
import type { LinkDriver } from '../drivers/links/index.ts';
import { type Ip, TUNNEL_DEVICES } from '../net/index.ts';
import type { HostMtu, MtuRule } from './host-mtu.ts';

export interface IpipConfig {
  readonly mtu: MtuRule;
  /** This host's, in place of what its Node says. */
  readonly address?: Ip;
}

/** The outer header. */
const OVERHEAD = 20;

export class Ipip {
  readonly #devices: LinkDriver;
  readonly #mtu: HostMtu;
  readonly #config: IpipConfig;
  #isOn = false;
  #address: Ip | undefined;
  #touched = true;

  constructor(devices: LinkDriver, mtu: HostMtu, config: IpipConfig) {
    this.#devices = devices;
    this.#mtu = mtu;
    this.#config = config;
  }

  /** Off: the device is left as it is. It does not go while the module is there, and others may use it. */
  turn(isOn: boolean): void {
    this.#isOn = isOn;
    this.#touched = true;
  }

  /** This host's within the tunnel. */
  setAddress(address: Ip | undefined): void {
    this.#address = address;
    this.#touched = true;
  }

  /** The host's MTU may have changed. */
  onLinks(): void {
    this.#touched = true;
  }

  /** The chains are in the kernel. */
  open(): void {
    if (!this.#touched) return;
    this.#touched = false;
    if (!this.#isOn) {
      this.#devices.removeDesired(TUNNEL_DEVICES.ipip4);
      return;
    }
    const address = this.#config.address ?? this.#address;
    const mtu = this.#mtu.within(this.#config.mtu, OVERHEAD, TUNNEL_DEVICES.ipip4);
    this.#devices.setDesired(TUNNEL_DEVICES.ipip4, { up: true, mtu, ipip: true, ...(address && { address }) });
  }
}
