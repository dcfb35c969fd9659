/**
 * A dispatch as a tree of chains: names are told apart by the first character after what they have in common; where several
 * share it, they go to a chain of their own. A packet passes a few rules instead of one an endpoint, and a new endpoint
 * changes a few short chains instead of one long.
 */
import { goTo, rule } from './build.ts';
import type { Action, Chain, Match, Rule } from './chain.ts';
import { dispatchChainName } from './names.ts';

type Dispatch = Extract<Action, { type: 'dispatch' }>;

/**
 * The root chain's rules first, then its subtrees. `rest` are the rules after the dispatch: every chain of the tree ends
 * with them, because a subtree is entered for good.
 */
export function lowerDispatch(root: string, original: Rule, rest: readonly Rule[], fanOut: number): Chain[] {
  const action = original.action as Dispatch;
  const chains: Chain[] = [];

  const build = (path: string, names: readonly string[], split: boolean): void => {
    const chain = { name: dispatchChainName(root, path), rules: [] as Rule[] };
    chains.push(chain);
    for (const { pattern, character, members } of split ? buckets(names) : names.map(single)) {
      const target =
        members.length === 1 ? leaf(action, members[0] as string) : goTo(dispatchChainName(root, path + character));
      chain.rules.push(rule({ ...original.match, ...interfaceMatch(action, pattern) }, target, original.origin));
      if (members.length > 1) build(path + character, members, members.length > fanOut);
    }
    chain.rules.push(...rest);
  };
  build('', [...action.table.keys()].toSorted(), true);
  return chains;
}

interface Bucket {
  /** What to match: a whole name, or a prefix with `+`. */
  readonly pattern: string;
  readonly character: string;
  readonly members: readonly string[];
}

function single(name: string): Bucket {
  return { pattern: name, character: '', members: [name] };
}

/** By the character that follows the names' common prefix. Names are sorted, so a bucket's members are neighbours. */
function buckets(names: readonly string[]): Bucket[] {
  const prefix = commonPrefix(names);
  return [...Map.groupBy(names, (name) => name.slice(prefix.length, prefix.length + 1))].map(([character, members]) =>
    members.length === 1 ? single(members[0] as string) : { pattern: `${prefix}${character}+`, character, members },
  );
}

/** Of sorted names: what the first and the last share. */
function commonPrefix(names: readonly string[]): string {
  const first = names[0] ?? '';
  const last = names.at(-1) ?? '';
  let length = 0;
  while (length < first.length && first[length] === last[length]) length++;
  return first.slice(0, length);
}

function leaf(action: Dispatch, name: string): Action {
  return { type: action.via, chain: action.table.get(name) as string };
}

function interfaceMatch(action: Dispatch, pattern: string): Match {
  return { [action.by]: pattern };
}
