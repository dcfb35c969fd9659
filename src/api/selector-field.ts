/** Fields that hold a label selector. */
import { CalicoError } from '../errors/index.ts';
import { parseSelector, type Selector } from '../selector/index.ts';
import { type Check, text } from './fields.ts';

/** A selector; absent when empty. */
export function selector() {
  return text(withoutGlobal);
}

/** A selector of namespaces in a rule: the only place where global() has a meaning. */
export function namespaceSelector() {
  return text((value) => {
    const { selector, problem } = read(value);
    const mixed = selector && hasGlobal(selector) && selector.canonical !== 'global()';
    return problem ?? (mixed ? 'global() must stand alone' : null);
  });
}

const withoutGlobal: Check = (value) => {
  const { selector, problem } = read(value);
  return problem ?? (selector && hasGlobal(selector) ? 'global() belongs in the namespaceSelector of a rule' : null);
};

function read(value: string): { selector: Selector | null; problem: string | null } {
  try {
    return { selector: parseSelector(value), problem: null };
  } catch (error) {
    if (error instanceof CalicoError) return { selector: null, problem: `must be a selector: ${error.message}` };
    throw error;
  }
}

function hasGlobal({ canonical }: Selector): boolean {
  return canonical.replace(/"[^"]*"|'[^']*'/g, '').includes('global()');
}
