import { type Clause, clausesOf } from './clauses.ts';
import { type Expression, evaluate, type Labels, mapLabels, mentionedLabels, print } from './expression.ts';
import { parse } from './parse.ts';
import { type Restrictions, restrictionsOf } from './restrictions.ts';
import { uniqueId } from './unique-id.ts';

/** A parsed label selector. Immutable. */
export class Selector {
  /** Upstream's canonical text: equal for selectors that differ in blanks, quotes or redundant parentheses only. */
  readonly canonical: string;
  readonly #expression: Expression;
  #uid: string | undefined;

  constructor(expression: Expression) {
    this.#expression = expression;
    this.canonical = print(expression);
  }

  /** `s:` and the hash of the canonical text; it names the selector's IP set. */
  get uid(): string {
    this.#uid ??= uniqueId('s', this.canonical);
    return this.#uid;
  }

  evaluate(labels: Labels): boolean {
    return evaluate(this.#expression, labels);
  }

  /** What labels must satisfy for a match to be possible. */
  get restrictions(): Restrictions {
    return restrictionsOf(this.#expression);
  }

  /** What an index may file the selector under. */
  get clauses(): readonly Clause[] {
    return clausesOf(this.#expression);
  }

  /** The same selector over labels that all have this prefix. */
  prefixed(prefix: string): Selector {
    return new Selector(mapLabels(this.#expression, (label) => prefix + label));
  }

  /** Every label that the selector names. */
  get labels(): ReadonlySet<string> {
    return mentionedLabels(this.#expression);
  }
}

/**
 * Parses the label selector language; an empty text selects all.
 *
 * Throws E_SELECTOR, whose message says what was expected where.
 */
export function parseSelector(text: string): Selector {
  const trimmed = text.replace(/^[ \t]+|[ \t]+$/g, '');
  return new Selector(trimmed === '' ? { type: 'all' } : parse(trimmed));
}
