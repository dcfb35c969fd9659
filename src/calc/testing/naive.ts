/** What a host needs, worked out from all resources at once: slow, obvious, and without any memory. */
import {
  type Direction,
  type EndpointPort,
  type HostEndpoint,
  idKey,
  type Kind,
  type NetworkSet,
  type Policy,
  type Profile,
  type Tier,
  type Values,
  type WorkloadEndpoint,
} from '../../model/index.ts';
import { addressOf, type Cidr, cidrOf, SCTP, TCP, UDP } from '../../net/index.ts';
import { parseSelector, type Selector } from '../../selector/index.ts';
import type { TierPolicies } from '../output.ts';
import { activate, type SetDefinition } from '../rule-sets.ts';
import { DataplaneState } from '../state.ts';
import { rule, tier } from './resources.ts';

type Resource = Values[Kind];
type Endpoint = WorkloadEndpoint | HostEndpoint;
type Labelled = Endpoint | NetworkSet;

export function naiveState(node: string, resources: readonly Resource[]): DataplaneState {
  const state = new DataplaneState();
  const of = <T extends Resource>(...kinds: Kind[]) => resources.filter((r) => kinds.includes(r.id.kind)) as T[];
  const profiles = new Map(of<Profile>('Profile').map((p) => [p.id.name, p]));
  const labelled = of<Labelled>('WorkloadEndpoint', 'HostEndpoint', 'NetworkSet', 'GlobalNetworkSet');
  const locals = of<Endpoint>('WorkloadEndpoint', 'HostEndpoint').filter((e) => e.node === node);
  const matches = (selector: Selector, item: Labelled) => {
    const all = [item.labels, ...item.profiles.map((name) => profiles.get(name)?.labelsToApply ?? {})];
    return selector.evaluate((name) => all.find((labels) => name in labels)?.[name]);
  };
  const sink = {
    parse: parseSelector,
    need: (set: SetDefinition) => {
      const members = labelled.filter((item) => matches(set.selector, item)).flatMap((item) => membersOf(set, item));
      state.sets.set(set.id, { type: set.port ? 'ip,port' : 'net', members: new Set(members) });
    },
  };
  const rules = ({ ingress, egress }: Pick<Profile, 'ingress' | 'egress'>) => ({
    ingress: ingress.map((r) => activate(r, sink)),
    egress: egress.map((r) => activate(r, sink)),
  });

  const applies = (policy: Policy, endpoint: Endpoint) => matches(parseSelector(policy.selector), endpoint);
  const active = of<Policy>('NetworkPolicy', 'GlobalNetworkPolicy')
    .filter((policy) => locals.some((endpoint) => applies(policy, endpoint)))
    .sort(byOrderAndName);
  const tiers = inOrder(
    of<Tier>('Tier'),
    active.map((policy) => policy.tier),
  );
  for (const policy of active) {
    const { id, storedName, tier, doNotTrack, preDNAT } = policy;
    state.policies.set(idKey(id), { id, storedName, tier, doNotTrack, preDNAT, ...rules(policy) });
  }
  for (const name of locals.flatMap((endpoint) => endpoint.profiles)) {
    const missing = [rule({ action: name === 'projectcalico-default-allow' ? 'allow' : 'deny' })];
    state.profiles.set(name, { name, ...rules(profiles.get(name) ?? { ingress: missing, egress: missing }) });
  }
  for (const endpoint of locals)
    addEndpoint(
      state,
      endpoint,
      active.filter((policy) => applies(policy, endpoint)),
      tiers,
    );
  return state;
}

function byOrderAndName(a: Policy, b: Policy): number {
  const order = (p: Policy) => p.order ?? Number.MAX_VALUE;
  const name = ({ id, storedName }: Policy) => (id.namespace ? `${id.namespace}/${storedName}` : storedName);
  return order(a) - order(b) || (name(a) < name(b) ? -1 : 1);
}

/** Also those that are named only: `default` in its place, others after all that are there. */
function inOrder(known: readonly Tier[], named: readonly string[]): Tier[] {
  const missing = [...new Set(named)].filter((name) => !known.some(({ id }) => id.name === name));
  const order = ({ order }: Tier) => order ?? Number.MAX_VALUE;
  return [...known, ...missing.map((name) => tier(name, name === 'default' ? { order: 1e6 } : {}))].sort(
    (a, b) => order(a) - order(b) || (a.id.name < b.id.name ? -1 : 1),
  );
}

function addEndpoint(
  state: DataplaneState,
  endpoint: Endpoint,
  policies: readonly Policy[],
  tiers: readonly Tier[],
): void {
  const inTiers = (of: readonly Policy[]) => tiers.flatMap((tier) => inTier(of, tier));
  const plain = policies.filter((p) => !p.doNotTrack && !p.preDNAT);
  if ('workload' in endpoint) state.workloads.set(idKey(endpoint.id), { endpoint, tiers: inTiers(plain) });
  else {
    state.hostEndpoints.set(idKey(endpoint.id), {
      endpoint,
      tiers: inTiers(plain),
      forward: inTiers(plain.filter((p) => p.applyOnForward)),
      untracked: inTiers(policies.filter((p) => p.doNotTrack)),
      preDnat: inTiers(
        policies.filter((p) => p.preDNAT && !p.doNotTrack).map((p) => ({ ...p, types: onlyIngress(p) })),
      ),
    });
  }
}

function onlyIngress({ types }: Policy): Direction[] {
  return types.filter((type) => type === 'ingress');
}

function inTier(policies: readonly Policy[], { id: { name }, defaultAction }: Tier): TierPolicies[] {
  const own = policies.filter((p) => p.tier === name);
  const ids = (direction: Direction) => own.filter((p) => p.types.includes(direction)).map(({ id }) => id);
  const passes = defaultAction === 'pass' ? ({ passes: true } as const) : {};
  const tier = { tier: name, ...passes, ingress: ids('ingress'), egress: ids('egress') };
  return tier.ingress.length + tier.egress.length > 0 ? [tier] : [];
}

function membersOf({ port }: SetDefinition, item: Labelled): string[] {
  const nets: readonly Cidr[] = 'expectedIps' in item ? item.expectedIps.map((ip) => cidrOf(ip)) : item.nets;
  if (!port) return [...nets];
  const ports: readonly EndpointPort[] = 'ports' in item ? item.ports : [];
  const named = ports.filter((p) => p.name === port.name && p.protocol === port.protocol);
  const protocols = new Map([
    [TCP, 'tcp'],
    [UDP, 'udp'],
    [SCTP, 'sctp'],
  ]);
  return named.flatMap((p) => nets.map((net) => `${addressOf(net)},${protocols.get(p.protocol)}:${p.port}`));
}
