import type { Expression } from './expression.ts';

/** The label is there, with this value if one is given. */
export interface Condition {
  readonly label: string;
  readonly value?: string;
}

/** In every match at least one of the conditions holds. Without any, nothing matches. */
export type Clause = readonly Condition[];

/**
 * The clauses that follow from an expression: an index may file the selector under the conditions of any one of them.
 * None for an expression that may match without any label, such as `all()` or `!has(a)`.
 */
export function clausesOf(expression: Expression): Clause[] {
  switch (expression.type) {
    case 'has':
    case 'contains':
    case 'starts with':
    case 'ends with':
      return [[{ label: expression.label }]];
    case '==':
      return [[expression]];
    case 'in':
      return [Array.from(expression.values, (value) => ({ label: expression.label, value }))];
    case '&&':
      return expression.operands.flatMap(clausesOf);
    case '||':
      return oneOf(expression.operands.map(clausesOf));
    default:
      return [];
  }
}

/** One of the alternatives holds, so a condition of its narrowest clause does. */
function oneOf(alternatives: readonly Clause[][]): Clause[] {
  const clause: Condition[] = [];
  for (const clauses of alternatives) {
    const narrowest = clauses.toSorted((a, b) => breadth(a) - breadth(b))[0];
    if (!narrowest) return [];
    clause.push(...narrowest);
  }
  return [clause];
}

/** A label with any value is wider than any list of values. */
function breadth(clause: Clause): number {
  return clause.reduce((sum, { value }) => sum + (value === undefined ? 1e6 : 1), 0);
}
