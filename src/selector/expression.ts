/** The syntax tree of a selector, and the two things one does with it: print it and evaluate it. */

export type Expression =
  | { readonly type: 'all' | 'global' }
  | { readonly type: 'has'; readonly label: string }
  | { readonly type: Comparison; readonly label: string; readonly value: string }
  /** Values are in sorted order. */
  | { readonly type: 'in' | 'not in'; readonly label: string; readonly values: ReadonlySet<string> }
  | { readonly type: 'not'; readonly operand: Expression }
  | { readonly type: '&&' | '||'; readonly operands: readonly Expression[] };

export type Comparison = '==' | '!=' | 'contains' | 'starts with' | 'ends with';

/** The value of a label, or undefined when there is no such label. */
export type Labels = (name: string) => string | undefined;

/** Upstream's canonical text, which unique ids are hashes of: equal texts, equal selectors. */
export function print(expression: Expression): string {
  switch (expression.type) {
    case 'all':
    case 'global':
      return `${expression.type}()`;
    case 'has':
      return `has(${expression.label})`;
    case 'in':
    case 'not in':
      return `${expression.label} ${expression.type} {${Array.from(expression.values, quote).join(', ')}}`;
    case 'not':
      return `!${print(expression.operand)}`;
    case '&&':
    case '||':
      return `(${expression.operands.map(print).join(` ${expression.type} `)})`;
    default:
      return `${expression.label} ${expression.type} ${quote(expression.value)}`;
  }
}

/** The language has no escapes: a value has one kind of quote in it at most. */
function quote(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** Without the label, only the negative comparisons hold. */
export function evaluate(expression: Expression, labels: Labels): boolean {
  switch (expression.type) {
    case 'all':
    case 'global':
      return true;
    case 'not':
      return !evaluate(expression.operand, labels);
    case '&&':
      return expression.operands.every((operand) => evaluate(operand, labels));
    case '||':
      return expression.operands.some((operand) => evaluate(operand, labels));
    case 'has':
      return labels(expression.label) !== undefined;
    case '==':
      return labels(expression.label) === expression.value;
    case '!=':
      return labels(expression.label) !== expression.value;
    case 'contains':
      return labels(expression.label)?.includes(expression.value) ?? false;
    case 'starts with':
      return labels(expression.label)?.startsWith(expression.value) ?? false;
    case 'ends with':
      return labels(expression.label)?.endsWith(expression.value) ?? false;
    case 'in':
      return isOneOf(labels(expression.label), expression.values);
    case 'not in':
      return !isOneOf(labels(expression.label), expression.values);
  }
}

function isOneOf(value: string | undefined, values: ReadonlySet<string>): boolean {
  return value !== undefined && values.has(value);
}

/** Every label that the expression names: with the same values of these, it decides the same. */
export function mentionedLabels(expression: Expression, into = new Set<string>()): Set<string> {
  if ('operand' in expression) mentionedLabels(expression.operand, into);
  else if ('operands' in expression) for (const operand of expression.operands) mentionedLabels(operand, into);
  else if ('label' in expression) into.add(expression.label);
  return into;
}

/** The same expression over other label names. */
export function mapLabels(expression: Expression, rename: (label: string) => string): Expression {
  switch (expression.type) {
    case 'all':
    case 'global':
      return expression;
    case 'not':
      return { ...expression, operand: mapLabels(expression.operand, rename) };
    case '&&':
    case '||':
      return { ...expression, operands: expression.operands.map((operand) => mapLabels(operand, rename)) };
    default:
      return { ...expression, label: rename(expression.label) };
  }
}
