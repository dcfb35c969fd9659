/** Mistakes about what a host does with packets: its own endpoints, tables before policy, NAT, what is exempt, IPv6. */
import type { Action, Rule } from '../../src/rules/index.ts';
import { inMatches, inRules, inSides, isDefault, type Mistake, marks, without } from './policy-mistakes.ts';

/** Rules of this kind are left out. */
const forgotten = (about: string, is: (rule: Rule) => boolean): Mistake => ({
  about,
  where: 'compiled',
  plant: inRules((rule) => (is(rule) ? null : rule)),
});
/** Rules of this kind do something else. */
const instead = (about: string, what: string, action: Action): Mistake => ({
  about,
  where: 'compiled',
  plant: inRules((rule) => (isDefault(rule, what) ? { ...rule, action } : rule)),
});
const byDefault = (what: string) => (rule: Rule) => isDefault(rule, what);

export const HOST_MISTAKES: readonly Mistake[] = [
  forgotten('spoofed packets pass', ({ origin }) => origin.type === 'anti-spoofing'),
  forgotten('what belongs to no connection passes', ({ origin }) => origin.type === 'conntrack'),
  forgotten('failsafe ports are closed', ({ origin }) => origin.type === 'failsafe'),
  forgotten('neighbours are policed', byDefault('neighbour-discovery')),
  forgotten('tunnels from workloads pass', byDefault('encapsulated-from-workload')),
  forgotten('a host does not reach its own workloads', byDefault('host-to-workload')),
  forgotten('interfaces that nobody knows are open', byDefault('unknown-interface')),
  forgotten('floating IPs are nobody', byDefault('floating-ip')),
  forgotten('packets go in circles', byDefault('service-loop')),
  forgotten('no source is allowed beyond its own', byDefault('allowed-source')),
  forgotten('untracked packets are tracked', ({ action }) => action.type === 'notrack'),
  forgotten('what one tier passes the next passes, too', ({ comment = '' }) => comment.startsWith('Start of')),
  forgotten(
    'no endpoint stands for all interfaces',
    ({ action }) => action.type === 'goto' && action.chain.endsWith('any-interface-at-all'),
  ),
  forgotten(
    'what was accepted before is asked for again',
    ({ match, origin }) =>
      match.marked?.includes('accept') === true && isDefault({ origin } as Rule, 'policy-accepted'),
  ),
  instead('the host takes whatever a workload may send', 'endpoint-to-host', { type: 'accept' }),
  instead('what no policy is about is not forwarded', 'no-forward-policy', { type: 'drop' }),
  {
    about: 'policies before DNAT are never asked',
    where: 'compiled',
    plant: (ruleset) => ({ ...ruleset, mangle: { ...ruleset.mangle, hooks: {} } }),
  },
  {
    about: 'pools are masqueraded towards each other',
    where: 'compiled',
    plant: inRules((rule) =>
      isDefault(rule, 'nat-outgoing') ? { ...rule, match: without(rule.match, 'destination') } : rule,
    ),
  },
  {
    about: 'failsafe ports are open to everybody',
    where: 'compiled',
    plant: inRules((rule) => (rule.origin.type === 'failsafe' ? { ...rule, match: inSidesOf(rule) } : rule)),
  },
  {
    about: 'prefixes of IPv6 end at 64 bits',
    where: 'compiled',
    plant: inSides((side) => ({
      ...side,
      ...(side.nets && { nets: side.nets.map((net) => (net.endsWith('/128') ? shorter(net) : net)) }),
    })),
  },
  {
    about: 'protocols by number are any',
    where: 'compiled',
    plant: inMatches((match) => (match.protocol === 99 ? without(match, 'protocol') : match)),
  },
  {
    about: 'a tree of dispatch has no end for what is unknown',
    where: 'lowered',
    plant: inRules((rule, { name }) => (/-dispatch-/.test(name) && isDefault(rule, 'unknown-interface') ? null : rule)),
  },
  {
    about: 'of negated prefixes the first counts',
    where: 'lowered',
    plant: inRules((rule, { rules }, i) =>
      marks(rule, 'clear', 'scratch0') && rules[i - 1] && clearsOnly(rules[i - 1] as Rule) && clearsOnly(rule)
        ? null
        : rule,
    ),
  },
  {
    about: 'lists on both sides are one list',
    where: 'lowered',
    plant: inRules((rule) => (clearsScratch1(rule) ? null : rule)),
  },
];

/** Where the other end is does not matter. */
function inSidesOf({ match }: Rule): Rule['match'] {
  const { source, destination, ...rest } = match;
  return {
    ...rest,
    ...(source?.ports && { source: without(source, 'nets') }),
    ...(destination?.ports && { destination: without(destination, 'nets') }),
  };
}

function shorter<T extends string>(net: T): T {
  return `${net.slice(0, net.indexOf('::'))}::/64` as T;
}

/** A rule of lowering that takes the verdict back for one prefix. */
function clearsOnly({ action, match }: Rule): boolean {
  return (
    action.type === 'mark' &&
    !action.set?.length &&
    action.clear?.length === 1 &&
    'nets' in { ...match.source, ...match.destination }
  );
}

function clearsScratch1({ action }: Rule): boolean {
  return action.type === 'mark' && action.clear?.length === 1 && action.clear[0] === 'scratch1';
}
