/**
 * Warns where a host endpoint's policy denies IPv6's neighbour discovery, which failsafe ports say nothing about: the
 * interface loses IPv6 some time later, when its neighbours' entries age, and nothing else would say why.
 *
 * Costs something only when host endpoints, addresses, or policies that host endpoints have change.
 */
import type { LocalHostEndpoint } from '../calc/index.ts';
import { type IdKey, idKey, idText, type Policy } from '../model/index.ts';
import { cidr, contains, familyOf, type Ip } from '../net/index.ts';
import { neighboursDenied, type PolicySource, type RulesConfig } from '../rules/index.ts';
import type { WarningLog } from './log.ts';

const LINK_LOCAL = cidr('fe80::/10');

export class NeighbourWarnings {
  readonly #policies: PolicySource;
  readonly #config: RulesConfig;
  readonly #log: WarningLog;
  /** Policies by key and profiles by name that host endpoints have. */
  #uses: ReadonlySet<string> = new Set();
  #warned: ReadonlyMap<IdKey, string> = new Map();
  #touched = false;

  constructor(policies: PolicySource, config: RulesConfig, log: WarningLog) {
    this.#policies = policies;
    this.#config = config;
    this.#log = log;
  }

  onPolicy(id: Policy['id']): void {
    this.#touched ||= this.#uses.has(idKey(id));
  }

  onProfile(name: string): void {
    this.#touched ||= this.#uses.has(name);
  }

  /** `hosts`: interface → its endpoint; `interfaces`: the addresses of those that host endpoints may be. */
  settle(
    changed: boolean,
    hosts: ReadonlyMap<string, LocalHostEndpoint>,
    interfaces: () => ReadonlyMap<string, readonly Ip[]>,
  ): void {
    this.#touched ||= changed;
    if (!this.#touched) return;
    this.#uses = new Set([...hosts.values()].flatMap(usesOf));
    const warned = new Map<IdKey, string>();
    for (const [name, host] of hosts.size > 0 ? onIpv6(hosts, interfaces()) : []) {
      const key = idKey(host.endpoint.id);
      const denied = neighboursDenied(host, name, this.#policies, this.#config).join(' and ');
      if (denied === '' || warned.has(key)) continue;
      warned.set(key, denied);
      if (this.#warned.get(key) === denied) continue;
      const fields = { endpoint: idText(host.endpoint.id), interface: name };
      this.#log.warn(fields, `policy denies ICMPv6 types 135 and 136 (${denied}): IPv6 will not work there`);
    }
    this.#warned = warned;
    this.#touched = false;
  }
}

/** Those of interfaces that have an IPv6 address which is not of the link alone: those all have. */
function onIpv6(
  hosts: ReadonlyMap<string, LocalHostEndpoint>,
  interfaces: ReadonlyMap<string, readonly Ip[]>,
): [string, LocalHostEndpoint][] {
  const speaking = [...interfaces].filter(([, ips]) =>
    ips.some((ip) => familyOf(ip) === 6 && !contains(LINK_LOCAL, ip)),
  );
  const names = new Set(speaking.map(([name]) => name));
  const others = [...names].some((name) => !hosts.has(name));
  return [...hosts].filter(([name]) => (name === '*' ? others : names.has(name)));
}

function usesOf({ endpoint, tiers, untracked }: LocalHostEndpoint): string[] {
  const policies = [...tiers, ...untracked].flatMap(({ ingress, egress }) => [...ingress, ...egress]);
  return [...policies.map(idKey), ...endpoint.profiles];
}
