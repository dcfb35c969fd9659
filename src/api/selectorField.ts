/** Fields that hold a label selector. */
import { CalicoError } from '../errors/index.ts';
import type { Expression } from '../selector/expression.ts';
import { parse } from '../selector/parse.ts';
import type { Check } from './fields.ts';
import { text } from './fields.ts';

/** A selector; absent when empty. */
export function selector() {
  return text(withoutGlobal);
}

/** A selector of namespaces in a rule: the only place where global() has a meaning. */
export function namespaceSelector() {
  return text((value) => read(value).problem);
}

const withoutGlobal: Check = (value) => {
  const { expression, problem } = read(value);
  return (
    problem ?? (expression && hasGlobal(expression) ? 'global() belongs in the namespaceSelector of a rule' : null)
  );
};

function read(value: string): { expression: Expression | null; problem: string | null } {
  try {
    return { expression: parse(value), problem: null };
  } catch (error) {
    if (error instanceof CalicoError) return { expression: null, problem: `must be a selector: ${error.message}` };
    throw error;
  }
}

function hasGlobal(expression: Expression): boolean {
  switch (expression.type) {
    case 'global':
      return true;
    case 'not':
      return hasGlobal(expression.operand);
    case '&&':
    case '||':
      return expression.operands.some(hasGlobal);
    default:
      return false;
  }
}
