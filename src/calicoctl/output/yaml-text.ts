/**
 * YAML of JSON values, as upstream prints it: keys sorted, lists not indented, texts quoted where YAML 1.1 would read
 * them as something else. The `yaml` library gives the same text twenty times as slowly: it is asked for the rare texts
 * that are not plainly plain.
 */
import { stringify } from 'yaml';
import { printable } from './printable.ts';

const PLAIN = /^[A-Za-z_/][\w./-]*(?: [\w./-]+)*$/;
/** What YAML 1.1 reads as something other than text. */
const RESERVED = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** Lines that can stand as they are: printable, the first neither empty nor indented, one break at the end at most. */
const LINES = /^[^\s\p{C}](?:[^\p{C}]|\n(?!\n*$))*\n?$/u;

/** Undefined fields are left out. Ends with a line break. */
export function yamlText(value: unknown): string {
  return isBlock(value) ? `${block(value, '').slice(1)}\n` : `${scalar(value, '')}\n`;
}

type Block = readonly unknown[] | Readonly<Record<string, unknown>>;

function isBlock(value: unknown): value is Block {
  return typeof value === 'object' && value !== null && (Array.isArray(value) ? value.length > 0 : !isEmpty(value));
}

function isEmpty(map: object): boolean {
  return Object.values(map).every((field) => field === undefined);
}

/** Its lines, each with the line break before it. */
function block(value: Block, indent: string): string {
  return Array.isArray(value) ? list(value, indent) : map(value as Readonly<Record<string, unknown>>, indent);
}

function list(members: readonly unknown[], indent: string): string {
  let text = '';
  for (const member of members) {
    // A member that is a block begins on the line of its dash.
    const inside = isBlock(member) ? block(member, `${indent}  `).slice(indent.length + 3) : scalar(member, indent);
    text += `\n${indent}- ${inside}`;
  }
  return text;
}

function map(fields: Readonly<Record<string, unknown>>, indent: string): string {
  let text = '';
  for (const key of Object.keys(fields).sort()) {
    const value = fields[key];
    if (value === undefined) continue;
    text += `\n${indent}${key.includes('\n') ? JSON.stringify(key) : scalar(key, indent)}:`;
    if (!isBlock(value)) text += ` ${scalar(value, indent)}`;
    else text += block(value, Array.isArray(value) ? indent : `${indent}  `);
  }
  return text;
}

function scalar(value: unknown, indent: string): string {
  if (typeof value === 'string') return textScalar(value, indent);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[]' : '{}';
  return value === undefined ? 'null' : String(value);
}

function textScalar(text: string, indent: string): string {
  if (PLAIN.test(text) && !RESERVED.test(text)) return text;
  if (text.includes('\n')) return LINES.test(text) ? literal(text, indent) : JSON.stringify(text);
  if (/^(---|\.\.\.)/.test(text)) return JSON.stringify(text); // at the beginning of a line they part documents
  // Go writes these as escapes; to a terminal they are commands.
  if (/[\x7f-\x9f]/.test(text)) return JSON.stringify(text).replace(/[\x7f-\x9f]/g, printable);
  return stringify(text, { schema: 'yaml-1.1', lineWidth: 0 }).slice(0, -1);
}

/** The lines as they stand, a step further in. `|-`: the last has no break. */
function literal(text: string, indent: string): string {
  const ends = text.endsWith('\n');
  const lines = (ends ? text.slice(0, -1) : text).split('\n');
  return [ends ? '|' : '|-', ...lines.map((line) => (line === '' ? '' : `${indent}  ${line}`))].join('\n');
}
