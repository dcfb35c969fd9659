/** The difference of two texts, as `diff -u` shows it. */

type Edit = { readonly sign: ' ' | '-' | '+'; readonly line: string };

const CONTEXT = 3;

/** Hunks of lines, each line with its sign; empty where the texts are the same. */
export function unifiedDiff(before: string, after: string): string[] {
  const edits = editsOf(linesOf(before), linesOf(after));
  return hunksOf(edits).flatMap(([start, end]) => {
    const lines = edits.slice(start, end);
    const header = `@@ -${range(edits, start, lines, '-')} +${range(edits, start, lines, '+')} @@`;
    return [header, ...lines.map(({ sign, line }) => `${sign}${line}`)];
  });
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** By the longest common subsequence of what lies between the lines that both begin and end with. */
function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const kept = (line: string): Edit => ({ sign: ' ', line });
  return [
    ...a.slice(0, start).map(kept),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(kept),
  ];
}

function middle(a: readonly string[], b: readonly string[]): Edit[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ sign: ' ', line: a[i++] as string });
      j++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ sign: '-', line: a[i++] as string });
    } else edits.push({ sign: '+', line: b[j++] as string });
  }
  return edits;
}

/** From where to where: changes with lines around them; those that meet are one. */
function hunksOf(edits: readonly Edit[]): [number, number][] {
  const hunks: [number, number][] = [];
  for (const [i, { sign }] of edits.entries()) {
    if (sign === ' ') continue;
    const [start, end] = [Math.max(0, i - CONTEXT), Math.min(edits.length, i + CONTEXT + 1)];
    const last = hunks.at(-1);
    if (last && start <= last[1]) last[1] = end;
    else hunks.push([start, end]);
  }
  return hunks;
}

/** `FIRST,COUNT` of one side's lines. */
function range(edits: readonly Edit[], start: number, lines: readonly Edit[], side: '-' | '+'): string {
  const of = (some: readonly Edit[]) => some.filter(({ sign }) => sign === ' ' || sign === side).length;
  const count = of(lines);
  return `${of(edits.slice(0, start)) + (count > 0 ? 1 : 0)},${count}`;
}
