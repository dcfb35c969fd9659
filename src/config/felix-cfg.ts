import { CalicoError } from '../errors/index.ts';

/**
 * Reads the text of felix.cfg: `name = value` or `name: value` lines, comments after `#` or `;`, values in quotes
 * where they hold these. Sections are allowed and make no difference. The last of several values wins.
 *
 * Throws E_CONFIG, with the number of the line.
 */
export function parseFelixCfg(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [index, untrimmed] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = untrimmed.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[')) {
      if (!line.includes(']')) throw invalid(index, `the section's name has no "]": ${line}`);
      continue;
    }
    const [, name, value] = /^([^=:]*)[=:](.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw invalid(index, `neither "name = value" nor a comment: ${line}`);
    if (name.trim() === '') throw invalid(index, `no name before the value: ${line}`);
    values[name.trim()] = unquote(value.trim());
  }
  return values;
}

function unquote(value: string): string {
  const [, , quoted] = /^(["'`])(.*?)\1/.exec(value) ?? [];
  return quoted ?? value.replace(/[#;].*$/, '').trimEnd();
}

function invalid(index: number, message: string): CalicoError {
  return new CalicoError('E_CONFIG', `felix.cfg line ${index + 1}`, message);
}
