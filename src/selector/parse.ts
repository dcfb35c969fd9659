import { CalicoError } from '../errors/index.ts';
import type { Comparison, Expression } from './expression.ts';

/** Far beyond what people write, and well within the stack. */
const MAX_DEPTH = 200;

/** Characters of a label's name; longer names than this are refused, as upstream does. */
const LABEL = /[a-zA-Z0-9_./-]{1,512}/y;
const OPERATORS: readonly (readonly [RegExp, Comparison | 'in' | 'not in'])[] = [
  [/==/y, '=='],
  [/!=/y, '!='],
  [/contains/y, 'contains'],
  [/starts[ \t]*with/y, 'starts with'],
  [/ends[ \t]*with/y, 'ends with'],
  [/in/y, 'in'],
  [/not[ \t]*in/y, 'not in'],
];
const BLANKS = /[ \t]*/y;
const STRING = /'([^']*)'|"([^"]*)"/y;

/**
 * A recursive descent over
 *
 *     or        = and *( "||" and )
 *     and       = operation *( "&&" operation )
 *     operation = *"!" ( "all()" / "global()" / "has(" label ")" / "(" or ")" / label operator operand )
 *
 * Words of the language (`in`, `not`, `has`, …) are labels where a label may stand, so there is no separate lexer.
 * Throws E_SELECTOR.
 */
export function parse(text: string): Expression {
  const parser = new Parser(text);
  const expression = parser.or();
  parser.end();
  return expression;
}

class Parser {
  readonly #text: string;
  #position = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  or(): Expression {
    return this.#operands('||', () => this.#operands('&&', () => this.#operation()));
  }

  end(): void {
    this.#skipBlanks();
    if (this.#position < this.#text.length) throw this.#expected('"&&", "||" or the end');
  }

  #operands(type: '&&' | '||', operand: () => Expression): Expression {
    const first = operand();
    if (!this.#accept(type)) return first;
    const operands = [first];
    do operands.push(operand());
    while (this.#accept(type));
    return { type, operands };
  }

  #operation(): Expression {
    let negated = false;
    while (this.#accept('!')) negated = !negated;
    const operand = this.#operand();
    return negated ? { type: 'not', operand } : operand;
  }

  #operand(): Expression {
    if (this.#accept('(')) return this.#parenthesised();
    for (const type of ['all', 'global'] as const) {
      if (this.#accept(`${type}(`)) {
        this.#expect(')');
        return { type };
      }
    }
    if (this.#accept('has(')) {
      const label = this.#label('the name of a label');
      this.#expect(')');
      return { type: 'has', label };
    }
    return this.#comparison(this.#label('a label, "has(", "all()", "(" or "!"'));
  }

  #parenthesised(): Expression {
    this.#depth++;
    if (this.#depth > MAX_DEPTH) throw this.#expected(`no more than ${MAX_DEPTH} nested parentheses`);
    const inner = this.or();
    this.#expect(')');
    this.#depth--;
    return inner;
  }

  #comparison(label: string): Expression {
    const type = this.#operator();
    return type === 'in' || type === 'not in'
      ? { type, label, values: this.#set() }
      : { type, label, value: this.#string() };
  }

  #operator(): Comparison | 'in' | 'not in' {
    for (const [pattern, type] of OPERATORS) if (this.#match(pattern)) return type;
    throw this.#expected('an operator (==, !=, in, not in, contains, starts with, ends with)');
  }

  #set(): Set<string> {
    this.#expect('{');
    const values = new Set<string>();
    while (!this.#accept('}')) {
      values.add(this.#string());
      if (this.#accept(',')) continue;
      this.#expect('}');
      break;
    }
    return new Set([...values].sort(byCodePoint));
  }

  #label(expectation: string): string {
    const match = this.#match(LABEL);
    if (!match) throw this.#expected(expectation);
    return match[0];
  }

  #string(): string {
    const match = this.#match(STRING);
    if (!match) throw this.#expected('a value in quotes (\'…\' or "…")');
    return match[1] ?? match[2] ?? '';
  }

  #expect(symbol: string): void {
    if (!this.#accept(symbol)) throw this.#expected(`"${symbol}"`);
  }

  #accept(symbol: string): boolean {
    this.#skipBlanks();
    if (!this.#text.startsWith(symbol, this.#position)) return false;
    this.#position += symbol.length;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    this.#skipBlanks();
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match) this.#position = pattern.lastIndex;
    return match;
  }

  #skipBlanks(): void {
    BLANKS.lastIndex = this.#position;
    BLANKS.test(this.#text);
    this.#position = BLANKS.lastIndex;
  }

  #expected(expectation: string): CalicoError {
    const rest = this.#text.slice(this.#position);
    const found = rest === '' ? 'the end' : JSON.stringify(rest.length > 20 ? `${rest.slice(0, 20)}…` : rest);
    const message = `expected ${expectation} at character ${this.#position + 1}, found ${found}`;
    return new CalicoError('E_SELECTOR', this.#text, message);
  }
}

/** The order of code points, hence of UTF-8 bytes, as upstream sorts; JavaScript's own is that of UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
