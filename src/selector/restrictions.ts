import type { Expression } from './expression.ts';

/** What a label must satisfy in every match. `mustHaveOneOfValues: []` means that nothing can match. */
export interface Restriction {
  readonly mustBePresent?: true;
  readonly mustBeAbsent?: true;
  readonly mustHaveOneOfValues?: readonly string[];
}

export type Restrictions = ReadonlyMap<string, Restriction>;

/** What the labels must satisfy for a match to be possible; necessary, not sufficient. */
export function restrictionsOf(expression: Expression): Restrictions {
  switch (expression.type) {
    case 'has':
    case 'contains':
    case 'starts with':
    case 'ends with':
      return new Map([[expression.label, { mustBePresent: true }]]);
    case '==':
      return new Map([[expression.label, { mustBePresent: true, mustHaveOneOfValues: [expression.value] }]]);
    case 'in':
      return new Map([[expression.label, { mustBePresent: true, mustHaveOneOfValues: [...expression.values] }]]);
    case 'not':
      return new Map(
        expression.operand.type === 'has' ? [[expression.operand.label, { mustBeAbsent: true }]] : undefined,
      );
    case '&&':
      return allHold(expression.operands.map(restrictionsOf));
    case '||':
      return oneHolds(expression.operands.map(restrictionsOf));
    default:
      return new Map();
  }
}

function allHold(alternatives: readonly Restrictions[]): Restrictions {
  const result = new Map<string, Restriction>();
  for (const [label, restriction] of alternatives.flatMap((restrictions) => [...restrictions])) {
    const other = result.get(label);
    result.set(label, other ? intersect(other, restriction) : restriction);
  }
  return result;
}

function intersect(a: Restriction, b: Restriction): Restriction {
  const [values, others] = [a.mustHaveOneOfValues, b.mustHaveOneOfValues];
  const common = values && others ? values.filter((value) => others.includes(value)) : (values ?? others);
  return {
    ...((a.mustBePresent || b.mustBePresent) && { mustBePresent: true }),
    ...((a.mustBeAbsent || b.mustBeAbsent) && { mustBeAbsent: true }),
    ...(common && { mustHaveOneOfValues: common }),
  };
}

function oneHolds([first = new Map(), ...others]: readonly Restrictions[]): Restrictions {
  const result = new Map<string, Restriction>();
  for (const label of first.keys()) {
    const alternatives = [first, ...others].map((restrictions) => restrictions.get(label) ?? {});
    const restriction = unite(alternatives);
    if (Object.keys(restriction).length > 0) result.set(label, restriction);
  }
  return result;
}

function unite(alternatives: readonly Restriction[]): Restriction {
  const values = alternatives.map((restriction) => restriction.mustHaveOneOfValues);
  return {
    ...(alternatives.every((restriction) => restriction.mustBePresent) && { mustBePresent: true }),
    ...(alternatives.every((restriction) => restriction.mustBeAbsent) && { mustBeAbsent: true }),
    ...(values.every((list) => list !== undefined) && { mustHaveOneOfValues: [...new Set(values.flat())].sort() }),
  };
}
