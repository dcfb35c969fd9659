/** IP sets: those of selectors and named ports, and those of pools and hosts that NAT and tunnel rules name. */
import type { SetId, SetMember, SetType } from '../calc/index.ts';
import type { IpSetDriver } from '../drivers/ipset/index.ts';
import { type IdKey, type IPPool, idKey, type Node, type ResourceId } from '../model/index.ts';
import { type Cidr, type Family, familyOf, type Ip } from '../net/index.ts';
import {
  ALL_HOSTS,
  ALL_POOLS,
  ipsetName,
  MASQUERADED_POOLS,
  natOutgoingChain,
  type RulesConfig,
} from '../rules/index.ts';
import type { Tables } from './tables.ts';

const KERNEL_TYPES = { net: 'hash:net', 'ip,port': 'hash:ip,port' } as const;

export interface SetsConfig {
  readonly rules: RulesConfig;
  readonly maxSetSize: number;
  readonly externalHosts: readonly Cidr[];
}

export class Sets {
  readonly #driver: IpSetDriver;
  readonly #tables: Tables;
  readonly #config: SetsConfig;
  readonly #pools = new Map<IdKey, IPPool>();
  readonly #hosts = new Map<IdKey, Ip>();
  #poolsTouched = true;
  #hostsTouched = true;
  #hasIpip = false;

  constructor(driver: IpSetDriver, tables: Tables, config: SetsConfig) {
    this.#driver = driver;
    this.#tables = tables;
    this.#config = config;
  }

  set(id: SetId, type: SetType, members: Iterable<SetMember>): void {
    this.#setAll(id, KERNEL_TYPES[type], members);
  }

  change(id: SetId, added: readonly SetMember[], removed: readonly SetMember[]): void {
    for (const family of this.#tables.families) {
      const name = ipsetName(id, family);
      this.#driver.removeMembers(name, ofFamily(removed, family));
      this.#driver.addMembers(name, ofFamily(added, family));
    }
  }

  remove(id: SetId): void {
    for (const family of this.#tables.families) this.#driver.removeDesired(ipsetName(id, family));
  }

  setPool(id: ResourceId, pool: IPPool | null): void {
    if (pool) this.#pools.set(idKey(id), pool);
    else this.#pools.delete(idKey(id));
    this.#poolsTouched = true;
  }

  setNode(id: ResourceId, node: Node | null): void {
    if (node?.ipv4) this.#hosts.set(idKey(id), node.ipv4);
    else this.#hosts.delete(idKey(id));
    this.#hostsTouched = true;
  }

  /** Rules of IP-in-IP name the set of all hosts. */
  setIpip(isOn: boolean): void {
    this.#hasIpip = isOn;
    this.#hostsTouched = true;
  }

  settle(): void {
    if (this.#poolsTouched) this.#settlePools();
    this.#poolsTouched = false;
    if (this.#hostsTouched) this.#settleHosts();
    this.#hostsTouched = false;
  }

  /** Rules of tunnels and of NAT-outgoing name the set of all hosts, if they are configured to. */
  #settleHosts(): void {
    if (this.#hasIpip || this.#config.rules.natOutgoingExcludesHosts)
      this.#setAll(ALL_HOSTS, 'hash:net', [...this.#hosts.values(), ...this.#config.externalHosts]);
    else this.remove(ALL_HOSTS);
  }

  /** A disabled pool gives out no addresses, but those that it gave are still masqueraded, and still pool addresses. */
  #settlePools(): void {
    const pools = [...this.#pools.values()];
    const masqueraded = pools.filter(({ natOutgoing }) => natOutgoing).map(({ cidr }) => cidr);
    this.#setAll(
      ALL_POOLS,
      'hash:net',
      pools.map(({ cidr }) => cidr),
    );
    this.#setAll(MASQUERADED_POOLS, 'hash:net', masqueraded);
    this.#tables.offer(['nat'], (family) => [
      natOutgoingChain(ofFamily(masqueraded, family).length > 0, this.#config.rules, family),
    ]);
  }

  #setAll(id: string, type: 'hash:net' | 'hash:ip,port', members: Iterable<string>): void {
    const all = [...members];
    const maxElements = this.#config.maxSetSize;
    for (const family of this.#tables.families)
      this.#driver.setDesired({ name: ipsetName(id, family), type, family, maxElements }, ofFamily(all, family));
  }
}

/** A member is an address, a prefix, or `address,protocol:port`. */
function ofFamily<T extends string>(members: readonly T[], family: Family): T[] {
  return members.filter((member) => familyOf(member.split(',', 1)[0]!) === family);
}
