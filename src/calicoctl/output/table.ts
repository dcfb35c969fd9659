/** Tables as upstream prints them: cells padded with three blanks, an empty line at the end. */

import { printable } from './printable.ts';

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows].map((line) => line.map(printable));
  const widths = headings.map(() => 0);
  for (const line of lines)
    for (const [column, cell] of line.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join(''));
  return `${text.join('\n')}\n\n`;
}
