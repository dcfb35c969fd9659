/** Tables with borders, as upstream prints addresses: headings centred, whole numbers to the right. */

export function bordered(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const border = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (cells: readonly string[], pad: (cell: string, width: number) => string): string =>
    `|${cells.map((cell, column) => ` ${pad(cell, widths[column] as number)} `).join('|')}|`;
  return `${[border, line(headings, centred), border, ...rows.map((row) => line(row, aligned)), border].join('\n')}\n`;
}

function centred(cell: string, width: number): string {
  return cell.padStart(cell.length + Math.floor((width - cell.length) / 2)).padEnd(width);
}

function aligned(cell: string, width: number): string {
  return /^-?\d+(\.\d+)?$/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
}
