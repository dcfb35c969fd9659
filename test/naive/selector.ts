/** Selectors read the slow way: straight from the text, once for every question. */

type Labels = ReadonlyMap<string, string>;

export function selects(selector: string, labels: Labels): boolean {
  const tokens = selector.match(/&&|\|\||==|!=|[!(){},]|'[^']*'|"[^"]*"|[A-Za-z0-9_./-]+/g) ?? [];
  let at = 0;
  const peek = () => tokens[at];
  const next = () => tokens[at++] ?? '';
  const eat = (token: string) => {
    if (peek() !== token) return false;
    at++;
    return true;
  };
  const must = (token: string) => {
    if (!eat(token)) throw new Error(`${selector}: ${token} expected at token ${at}`);
  };
  const literal = () => next().slice(1, -1);

  // Both sides are always read, so that the reader ends up behind them.
  const or = (): boolean => {
    let value = and();
    while (eat('||')) value = and() || value;
    return value;
  };
  const and = (): boolean => {
    let value = not();
    while (eat('&&')) value = not() && value;
    return value;
  };
  const not = (): boolean => (eat('!') ? !not() : term());
  const term = (): boolean => {
    if (eat('(')) {
      const value = or();
      must(')');
      return value;
    }
    const word = next();
    if (word === 'all' || word === 'has') {
      must('(');
      const value = word === 'all' || labels.has(next());
      must(')');
      return value;
    }
    return condition(labels.get(word));
  };
  const condition = (value: string | undefined): boolean => {
    if (eat('==')) return value === literal();
    if (eat('!=')) return value !== literal();
    if (eat('in')) return values().includes(value ?? '\0');
    if (eat('not')) {
      must('in');
      return !values().includes(value ?? '\0');
    }
    const kind = next();
    if (kind !== 'contains') must('with');
    const text = literal();
    if (kind === 'contains') return value?.includes(text) ?? false;
    return kind === 'starts' ? (value?.startsWith(text) ?? false) : (value?.endsWith(text) ?? false);
  };
  const values = (): string[] => {
    must('{');
    const list: string[] = [];
    while (!eat('}')) {
      list.push(literal());
      eat(',');
    }
    return list;
  };

  if (tokens.length === 0) return true;
  const value = or();
  if (at !== tokens.length) throw new Error(`${selector}: not understood from token ${at}`);
  return value;
}
