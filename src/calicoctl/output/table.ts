/** Tables as upstream prints them: cells padded with three blanks, an empty line at the end. */

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)) + 3);
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] as number)).join(''));
  return `${text.join('\n')}\n\n`;
}
