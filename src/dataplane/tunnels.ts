/**
 * Everything that carries packets to other hosts: which encapsulations are in force, their devices, the ends of others'
 * tunnels, and the routes to workloads there.
 */
import type { RemoteRoute, Vtep, Way } from '../calc/index.ts';
import type { Route } from '../drivers/routes/index.ts';
import type { IPPool, Node } from '../model/index.ts';
import { type Cidr, type Family, familyOf, TUNNEL_DEVICES } from '../net/index.ts';
import { type Encapsulation, type RulesConfig, withEncapsulations } from '../rules/index.ts';
import type { Claims } from './claims.ts';
import type { DataplaneConfig } from './config.ts';
import type { Drivers } from './drivers.ts';
import { Encapsulations } from './encapsulations.ts';
import { HostMtu } from './host-mtu.ts';
import { Ipip } from './ipip.ts';
import type { WarningLog } from './log.ts';
import { type Exit, RoutesToHosts, TUNNEL_ROUTE_PROTOCOL } from './routes-to-hosts.ts';
import { Vxlan } from './vxlan.ts';

export interface TunnelsOptions {
  readonly config: DataplaneConfig;
  readonly drivers: Drivers;
  readonly claims: Claims<Route>;
  readonly log: WarningLog;
  /** Of every route that is made for workloads. */
  readonly route: (family: Family) => Pick<Route, 'protocol' | 'source'>;
}

export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #encapsulations: Encapsulations;
  readonly #mtu: HostMtu;
  readonly #ipip: Ipip;
  readonly #vxlan: ReadonlyMap<Family, Vxlan>;
  readonly #routes: ReadonlyMap<Family, RoutesToHosts>;
  #own: Node | undefined;
  #touched = true;

  constructor(options: TunnelsOptions) {
    const { config, drivers, claims } = options;
    this.#options = options;
    this.#encapsulations = new Encapsulations(config.encapsulations);
    this.#mtu = new HostMtu(drivers.links, new RegExp(config.uplinks), options.log, () => this.#onMtu());
    this.#ipip = new Ipip(drivers.devices, this.#mtu, config.ipip);
    const each = <T>(make: (family: Family) => T) => new Map(config.families.map((family) => [family, make(family)]));
    this.#vxlan = each((family) => new Vxlan(drivers, this.#mtu, { ...config, family, config: config.vxlan }));
    // The rules that say from whom it takes packets are gone with their family.
    if (!config.families.includes(6)) drivers.devices.setAbsent(TUNNEL_DEVICES.vxlan6);
    this.#routes = each((family) => {
      const exit = (way: Exclude<Way, 'direct'>) => this.#exit(`${way}${family}` as Encapsulation);
      return new RoutesToHosts(claims, drivers.links, { exit });
    });
  }

  /** When `settle` will find something to do by itself, in ms of `performance.now`; null: never. */
  get dueAt(): number | null {
    return this.#encapsulations.dueAt;
  }

  configure(encapsulations: DataplaneConfig['encapsulations']): void {
    this.#encapsulations.configure(encapsulations);
  }

  setPool(id: IPPool['id'], pool: IPPool | null): void {
    this.#encapsulations.setPool(id, pool);
  }

  /** This host's own. */
  setNode(node: Node | undefined): void {
    this.#own = node;
    this.#touched = true;
    this.#ipip.setAddress(node?.ipv4IpipTunnel);
    this.#mtu.setAddresses([node?.ipv4, node?.ipv6].filter((address) => address !== undefined));
    for (const [family, routes] of this.#routes) routes.setAddress(family === 4 ? node?.ipv4 : node?.ipv6);
  }

  setVtep(vtep: Vtep): void {
    this.#vxlan.get(vtep.family)?.setVtep(vtep);
  }

  removeVtep(node: string, family: Family): void {
    this.#vxlan.get(family)?.removeVtep(node);
  }

  setRoute(route: RemoteRoute): void {
    this.#routes.get(familyOf(route.dst))?.setRoute(route);
  }

  removeRoute(dst: Cidr): void {
    this.#routes.get(familyOf(dst))?.removeRoute(dst);
  }

  onAddresses(): void {
    for (const routes of this.#routes.values()) routes.onAddresses();
    this.#onMtu();
  }

  /** Takes away what is gone. Returns the rules for what is in force now, if they may be others than before. */
  settle(): RulesConfig | null {
    const turned = this.#encapsulations.settle();
    const { on } = this.#encapsulations;
    if (turned) {
      this.#ipip.turn(on.has('ipip4'));
      for (const [family, vxlan] of this.#vxlan) vxlan.turn(on.has(`vxlan${family}`));
      for (const routes of this.#routes.values()) routes.onWays();
    }
    for (const part of [...this.#vxlan.values(), ...this.#routes.values()]) part.settle();
    if (!turned && !this.#touched) return null;
    this.#touched = false;
    return withEncapsulations(this.#options.config.rules, on, this.#own);
  }

  /** The family's chains are in the kernel: what they are for may come. */
  open(family: Family): void {
    if (family === 4) this.#ipip.open();
    this.#vxlan.get(family)?.open();
    this.#routes.get(family)?.open();
  }

  #onMtu(): void {
    this.#ipip?.onLinks();
    for (const vxlan of this.#vxlan?.values() ?? []) vxlan.onLinks();
  }

  #exit(encapsulation: Encapsulation): Exit | 'never' | 'later' {
    const device = TUNNEL_DEVICES[encapsulation];
    if (!this.#encapsulations.on.has(encapsulation)) return 'never';
    if (!this.#encapsulations.isReady(encapsulation)) return 'later';
    if (encapsulation === 'ipip4') return { device, route: { protocol: TUNNEL_ROUTE_PROTOCOL } };
    return { device, route: this.#options.route(encapsulation === 'vxlan4' ? 4 : 6) };
  }
}
