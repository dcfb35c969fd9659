/** Mistakes that a compiler or lowering of policy could make, planted into their results: about rules and endpoints. */
import type { Chain, Match, Rule, Ruleset, SideMatch, TableChains } from '../../src/rules/index.ts';

export interface Mistake {
  readonly about: string;
  /** Whether it is made before lowering (and lowered along), or by lowering. */
  readonly where: 'compiled' | 'lowered';
  readonly plant: (ruleset: Ruleset) => Ruleset;
}

export type Edit = (rule: Rule, chain: Chain, index: number) => Rule | null;

export function inRules(edit: Edit): Mistake['plant'] {
  const table = (t: TableChains): TableChains => ({
    ...t,
    chains: new Map([...t.chains].map(([name, chain]) => [name, inChain(chain, edit)])),
  });
  return ({ raw, mangle, nat, filter }) => ({
    raw: table(raw),
    mangle: table(mangle),
    nat: table(nat),
    filter: table(filter),
  });
}

function inChain(chain: Chain, edit: Edit): Chain {
  return { ...chain, rules: chain.rules.map((rule, i) => edit(rule, chain, i)).filter((rule) => rule !== null) };
}

export function inMatches(edit: (match: Match) => Match): Mistake['plant'] {
  return inRules((rule) => ({ ...rule, match: edit(rule.match) }));
}

export function inSides(edit: (side: SideMatch) => SideMatch): Mistake['plant'] {
  return inMatches(({ source, destination, ...rest }) => ({
    ...rest,
    ...(source && { source: edit(source) }),
    ...(destination && { destination: edit(destination) }),
  }));
}

export const without = <T extends object>(value: T, ...keys: (keyof T)[]): T =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as keyof T))) as T;
export const isDefault = ({ origin }: Rule, what: string) => origin.type === 'default' && origin.what === what;
export const marks = ({ action }: Rule, change: 'set' | 'clear', mark: 'accept' | 'pass' | 'scratch0') =>
  action.type === 'mark' && (action[change] ?? []).includes(mark);
const ofWorkload = ({ name }: Chain) => /^cali-[ft]w-/.test(name);

export const POLICY_MISTAKES: readonly Mistake[] = [
  { about: 'negated prefixes are forgotten', where: 'compiled', plant: inSides((side) => without(side, 'notNets')) },
  { about: 'negated sets are forgotten', where: 'compiled', plant: inSides((side) => without(side, 'notSets')) },
  { about: 'negated ports are forgotten', where: 'compiled', plant: inSides((side) => without(side, 'notPorts')) },
  { about: 'named ports are forgotten', where: 'compiled', plant: inSides((side) => without(side, 'portSets')) },
  { about: 'the negated protocol is forgotten', where: 'compiled', plant: inMatches((m) => without(m, 'notProtocol')) },
  {
    about: 'source and destination are swapped',
    where: 'compiled',
    plant: inMatches(({ source, destination, ...rest }) => ({
      ...rest,
      ...(destination && { source: destination }),
      ...(source && { destination: source }),
    })),
  },
  {
    about: 'Pass allows',
    where: 'compiled',
    plant: inRules((rule) =>
      rule.action.type === 'policy' ? { ...rule, action: { type: 'policy', verdict: 'allow' } } : rule,
    ),
  },
  {
    about: 'nothing is dropped after the last policy',
    where: 'compiled',
    plant: inRules((r) => (isDefault(r, 'end-of-tier') ? null : r)),
  },
  {
    about: 'nothing is dropped after the last profile',
    where: 'compiled',
    plant: inRules((r) => (isDefault(r, 'no-profile-matched') ? null : r)),
  },
  {
    about: 'Log ends the policy',
    where: 'compiled',
    plant: inRules((rule) => (rule.action.type === 'log' ? { ...rule, action: { type: 'return' } } : rule)),
  },
  {
    about: "what the sender's policy accepted is accepted for the receiver",
    where: 'compiled',
    plant: inRules((rule, chain) => (ofWorkload(chain) && marks(rule, 'clear', 'accept') ? null : rule)),
  },
  {
    about: "what the sender's policy passed is passed for the receiver",
    where: 'compiled',
    plant: inRules((rule, chain) => (ofWorkload(chain) && marks(rule, 'clear', 'pass') ? null : rule)),
  },
  {
    about: 'the rules of a policy are in the wrong order',
    where: 'compiled',
    plant: ({ filter, ...rest }) => ({
      ...rest,
      filter: {
        ...filter,
        chains: new Map(
          [...filter.chains].map(([name, chain]) => [
            name,
            /^cali-p[io]-/.test(name) ? { ...chain, rules: chain.rules.toReversed() } : chain,
          ]),
        ),
      },
    }),
  },
  {
    about: 'a range of ports ends one early',
    where: 'compiled',
    plant: inSides(({ ports, ...side }) => ({
      ...side,
      ...(ports && { ports: ports.map(({ min, max }) => ({ min, max: max > min ? max - 1 : max })) }),
    })),
  },
  {
    about: 'the ICMP code is ignored',
    where: 'compiled',
    plant: inMatches((m) => (m.icmp ? { ...m, icmp: { type: m.icmp.type } } : m)),
  },
  {
    about: 'only the first chunk of ports counts',
    where: 'lowered',
    plant: inRules((rule, { rules }, i) =>
      marks(rule, 'set', 'scratch0') && rule.match.destination?.ports && rules[i - 1]?.match.destination?.ports
        ? null
        : rule,
    ),
  },
  {
    about: 'scratch marks of an earlier rule are left over',
    where: 'lowered',
    plant: inRules((rule) =>
      rule.action.type === 'mark' && rule.action.clear?.includes('scratch1') && !rule.action.set?.length ? null : rule,
    ),
  },
  {
    about: 'of several lists the last decides',
    where: 'lowered',
    plant: inRules((rule) => (rule.match.notMarked?.includes('scratch1') ? null : rule)),
  },
  {
    about: 'a policy that allows is not left',
    where: 'lowered',
    plant: inRules((rule, { name }) =>
      /^cali-p[io]-/.test(name) && rule.action.type === 'return' && rule.match.marked?.includes('accept') ? null : rule,
    ),
  },
  {
    about: 'a tree of dispatch knows the first of a bucket only',
    where: 'lowered',
    plant: inRules((rule, { name, rules }, i) =>
      /-dispatch-/.test(name) && rule.action.type === 'goto' && i > 0 && rules[i - 1]?.action.type === 'goto'
        ? null
        : rule,
    ),
  },
];
