/** NetworkPolicy, GlobalNetworkPolicy and Tier. */
import type { Direction, Policy, ResourceId, Tier } from '../../model/index.ts';
import { parseSelector } from '../../selector/index.ts';
import * as read from './read.ts';
import { rules, unconditional } from './rules.ts';
import { Salvage } from './salvage.ts';
import { inNamespace, NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX, withPrefixed } from './selectors.ts';

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

/** An order that cannot be read: what came before might allow what is to be denied. */
const FIRST = Number.NEGATIVE_INFINITY;

/**
 * A policy with a bad rule, or anything else that is wrong beside what it selects, becomes one that denies everything in
 * its directions. To be without rules would not do: a tier may pass what nobody decides, and before DNAT and before
 * tracking silence denies nothing. So does one that is known to be `invalid`, as whoever wrote it down found. One whose selector does not parse selects nothing: a typo must not close a cloud.
 */
export function policy(
  id: Policy['id'],
  storedName: string,
  spec: read.Fields,
  invalid?: string,
): read.Decoded<Policy | null> {
  let selector: string;
  try {
    selector = selectorOf(id, spec);
  } catch (error) {
    return { value: null, problem: invalid ?? (error as Error).message };
  }
  if (invalid !== undefined) return { value: standIn(id, storedName, selector, spec), problem: invalid };
  try {
    return { value: complete(id, storedName, selector, spec) };
  } catch (error) {
    return { value: standIn(id, storedName, selector, spec), problem: (error as Error).message };
  }
}

/** What cannot be read of a tier closes: first, and Deny. */
export function tier(id: ResourceId<'Tier'>, spec: read.Fields): read.Decoded<Tier> {
  const salvage = new Salvage();
  return salvage.decoded({
    id,
    order: salvage.or(FIRST, () => order(spec.order)),
    defaultAction: salvage.or('deny', () => defaultAction(spec.defaultAction)),
  });
}

function defaultAction(value: unknown): Tier['defaultAction'] {
  const action = read.text(value, 'spec.defaultAction').toLowerCase() || 'deny';
  if (action !== 'deny' && action !== 'pass') throw new read.Undecodable('spec.defaultAction', value, 'Deny or Pass');
  return action;
}

function complete(id: Policy['id'], storedName: string, selector: string, spec: read.Fields): Policy {
  return {
    id,
    storedName,
    tier: read.text(spec.tier, 'spec.tier') || 'default',
    order: order(spec.order),
    selector,
    types: typesOf(spec),
    ingress: rules(spec.ingress, 'spec.ingress', id.namespace),
    egress: rules(spec.egress, 'spec.egress', id.namespace),
    doNotTrack: read.flag(spec.doNotTrack, 'spec.doNotTrack'),
    preDNAT: read.flag(spec.preDNAT, 'spec.preDNAT'),
    applyOnForward: id.kind === 'NetworkPolicy' || read.flag(spec.applyOnForward, 'spec.applyOnForward'),
  };
}

/** Every field that can be read as it is; where one cannot, what closes more. */
function standIn(id: Policy['id'], storedName: string, selector: string, spec: read.Fields): Policy {
  const salvage = new Salvage();
  const types = salvage.or(DIRECTIONS, () => typesOf(spec));
  const denied = (direction: Direction) => (types.includes(direction) ? [unconditional('deny')] : []);
  return {
    id,
    storedName,
    tier: typeof spec.tier === 'string' && spec.tier ? spec.tier : 'default',
    order: salvage.or(FIRST, () => order(spec.order)),
    selector,
    types,
    ingress: denied('ingress'),
    egress: denied('egress'),
    doNotTrack: spec.doNotTrack === true,
    preDNAT: spec.preDNAT === true,
    applyOnForward: id.kind === 'NetworkPolicy' || (spec.applyOnForward ?? false) !== false,
  };
}

function selectorOf(id: Policy['id'], spec: read.Fields): string {
  let selector = read.text(spec.selector, 'spec.selector');
  if (id.namespace) selector = inNamespace(selector, id.namespace);
  else selector = withPrefixed(selector, read.text(spec.namespaceSelector, 'spec.namespaceSelector'), NAMESPACE_PREFIX);
  const accounts = read.text(spec.serviceAccountSelector, 'spec.serviceAccountSelector');
  selector = withPrefixed(selector, accounts, SERVICE_ACCOUNT_PREFIX);
  parseSelector(selector);
  return selector;
}

function order(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number') throw new read.Undecodable('spec.order', value, 'a number');
  return value;
}

function typesOf(spec: read.Fields): Direction[] {
  const written = read.texts(spec.types, 'spec.types');
  const parsed = written.map((type) => DIRECTIONS.find((direction) => direction === type.toLowerCase()));
  const wrong = parsed.indexOf(undefined);
  if (wrong >= 0) throw new read.Undecodable('spec.types', written[wrong], 'Ingress or Egress');
  return parsed.length > 0 ? (parsed as Direction[]) : impliedTypes(spec);
}

/** A policy written without types: egress where it has egress rules only, both where it has both. */
function impliedTypes(spec: read.Fields): Direction[] {
  const has = (field: string) => !isEmpty(spec[field]);
  if (!has('egress')) return ['ingress'];
  return has('ingress') ? ['ingress', 'egress'] : ['egress'];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
