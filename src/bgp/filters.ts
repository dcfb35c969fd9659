/** BGPFilters as functions of BIRD's filter language. Pure. */
import { createHash } from 'node:crypto';
import type { BGPFilter, BGPFilterRule, Community } from '../model/index.ts';
import { type Family, lengthOf, maxLength } from '../net/index.ts';

export type Direction = 'import' | 'export';

/** The function of one direction of a filter. BIRD's names are short and plain, resources' need not be. */
export function functionName(filter: string, direction: Direction, family: Family): string {
  const plain = filter.replace(/[^A-Za-z0-9]/g, '_').slice(0, 32);
  const hash = createHash('sha256').update(filter).digest('hex').slice(0, 8);
  return `${direction}${family}_${plain}_${hash}`;
}

/**
 * `function NAME(bool outside) { … }`, where `outside` says that the peer is of another AS. It ends the filter that calls
 * it with the first rule that a route meets; a route that meets none goes on. `normal`: the priority of routes without one.
 */
export function renderFilter(filter: BGPFilter, direction: Direction, family: Family, normal: number): string[] {
  const rules = filter[`${direction}${family}`];
  return [
    `function ${functionName(filter.id.name, direction, family)}(bool outside) {`,
    ...rules.flatMap((rule) => renderRule(rule, direction, family, normal)),
    `}`,
  ];
}

function renderRule(rule: BGPFilterRule, direction: Direction, family: Family, normal: number): string[] {
  const conditions = conditionsOf(rule, direction, family, normal);
  const body = [...operations(rule, direction), rule.accept ? 'accept;' : 'reject;'].join(' ');
  return [`  ${conditions.length > 0 ? `if ${conditions.join(' && ')} then ` : ''}{ ${body} }`];
}

function conditionsOf(rule: BGPFilterRule, direction: Direction, family: Family, normal: number): string[] {
  const { community, asPath, priority } = rule;
  return [
    ...prefixConditions(rule, family),
    // What is imported comes from peers anyhow.
    ...(rule.fromPeers && direction === 'export' ? ['source = RTS_BGP'] : []),
    ...(rule.interface === undefined ? [] : [`ifname ~ "${rule.interface}"`]),
    ...(rule.peerType === undefined ? [] : [rule.peerType === 'ebgp' ? 'outside' : '! outside']),
    ...(community === undefined ? [] : [`${pair(community)} ~ ${communityList(community)}`]),
    ...(asPath === undefined ? [] : [`bgp_path ~ [= ${asPath.join(' ')} * =]`]),
    ...(priority === undefined ? [] : [priorityIs(priority, normal)]),
  ];
}

function prefixConditions({ cidr, operator, minLength, maxLength: max }: BGPFilterRule, family: Family): string[] {
  if (cidr === undefined) return [];
  const low = Math.max(minLength ?? 0, lengthOf(cidr));
  const high = max ?? maxLength(family);
  const lengths = [
    ...(minLength === undefined ? [] : [`net.len >= ${minLength}`]),
    ...(max === undefined ? [] : [`net.len <= ${max}`]),
  ];
  // An empty range of lengths holds nothing, and BIRD takes none.
  const within = low > high ? 'false' : `net ~ [ ${cidr}{${low},${high}} ]`;
  switch (operator) {
    case 'equal':
      return [`net = ${cidr}`, ...lengths];
    case 'not-equal':
      return [`net != ${cidr}`, ...lengths];
    case 'not-in':
      return [`! (${within})`];
    default:
      return [within];
  }
}

function priorityIs(priority: number, normal: number): string {
  const named = `defined(krt_metric) && krt_metric = ${priority}`;
  return priority === normal ? `(! defined(krt_metric) || krt_metric = ${priority})` : `${named}`;
}

function operations({ operations }: BGPFilterRule, direction: Direction): string[] {
  return operations.flatMap((operation): string[] => {
    if (operation.type === 'add-community') return [addCommunity(operation.community)];
    if (operation.type === 'prepend')
      return operation.asNumbers.toReversed().map((number) => `bgp_path.prepend(${number});`);
    // A route's priority is its metric in the kernel; BGP has no place for it.
    return direction === 'import' ? [`krt_metric = ${operation.priority};`] : [];
  });
}

export function addCommunity(community: Community): string {
  return `${communityList(community)}.add(${pair(community)});`;
}

function communityList(community: Community): string {
  return community.length === 2 ? 'bgp_community' : 'bgp_large_community';
}

function pair(community: Community): string {
  return `(${community.join(', ')})`;
}
