/** What all of Neutron's objects together want to be in the datastore: pure, for a resync. */
import type { Region } from '../region.ts';
import { networkOf, portOptionsOf } from './dhcp.ts';
import { endpointOf } from './endpoint.ts';
import type { FloatingIp, Project } from './neutron.ts';
import type { Everything } from './neutron-api.ts';
import { policyOf, type RuleProblem, UNPOLICED_ID, unpolicedPolicy } from './policy.ts';
import type { Record } from './record.ts';
import { subnetOf } from './subnet.ts';

export interface Wanted extends Record {
  /** Of Neutron's object, which may have changed since. */
  readonly object: string;
  readonly revision: number | undefined;
}

export interface Desired {
  readonly records: ReadonlyMap<string, Wanted>;
  /** Ports whose endpoints stay as they are. */
  readonly kept: ReadonlySet<string>;
  readonly problems: readonly RuleProblem[];
}

export async function desiredOf(
  region: Region,
  all: Everything,
  projectOf: (id: string) => Promise<Project>,
  interfaceLength: number,
): Promise<Desired> {
  const records = new Map<string, Wanted>();
  const kept = new Set<string>();
  const problems: RuleProblem[] = [];
  const want = (record: Record, object: string, revision?: number) =>
    records.set(record.key, { ...record, object, revision });

  for (const subnet of all.subnets) {
    const record = subnetOf(region, subnet);
    if (record) want(record, subnet.id, subnet.revision_number);
  }
  const subnetsOf = Map.groupBy(all.subnets, ({ network_id }) => network_id);
  for (const network of all.networks) {
    const record = networkOf(region, { network, subnets: subnetsOf.get(network.id) ?? [] });
    if (record) want(record, network.id, network.revision_number);
  }
  for (const group of all.security_groups) {
    const made = policyOf(region, { security_group: group, address_groups: all.address_groups });
    want(made.policy, group.id, group.revision_number);
    problems.push(...made.problems);
  }
  const subnets = byId(all.subnets);
  const groups = byId(all.security_groups);
  const floating = Map.groupBy(all.floatingips, ({ port_id }: FloatingIp) => port_id);
  let unpoliced = false;
  for (const port of all.ports) {
    const security_groups = found(port.security_groups ?? [], groups);
    const itsSubnets = found(
      port.fixed_ips.map(({ subnet_id }) => subnet_id),
      subnets,
    );
    // It names what was gone when that was listed: it has changed, and is told of by itself.
    if (!security_groups || !itsSubnets) {
      kept.add(port.id);
      continue;
    }
    const facts = { port, security_groups, subnets: itsSubnets, floatingips: floating.get(port.id) ?? [] };
    const outcome = endpointOf(region, facts, await projectOf(port.project_id ?? ''), interfaceLength);
    if (outcome === 'keep') kept.add(port.id);
    else if (outcome !== 'nothing') {
      want(outcome.endpoint, port.id, port.revision_number);
      const options = portOptionsOf(region, port['binding:host_id'] as string, port);
      if (options) want(options, port.id, port.revision_number);
      unpoliced ||= port.port_security_enabled === false;
    }
  }
  if (unpoliced) want(unpolicedPolicy(region), UNPOLICED_ID);
  return { records, kept, problems };
}

function byId<T extends { readonly id: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.id, item]));
}

/** Null where one is missing. */
function found<T>(ids: readonly string[], from: ReadonlyMap<string, T>): T[] | null {
  const items = ids.map((id) => from.get(id));
  return items.every((item) => item !== undefined) ? (items as T[]) : null;
}
