/**
 * Configuration files as oslo.config reads them, and with it Neutron: sections, values over several lines, `$name` and
 * `${group.name}` for other options' values; what stands later, or in a later file, wins.
 */
import { readFileSync } from 'node:fs';
import { CalicoError } from '../errors/index.ts';

const DEFAULTS = 'DEFAULT';
/** An option that is made of itself ends here. */
const DEEPEST = 10;

export class OsloConfig {
  readonly #values = new Map<string, string>();

  /** E_FILE: one cannot be read. E_CONFIG: one is no such file. */
  static read(paths: readonly string[]): OsloConfig {
    const config = new OsloConfig();
    for (const path of paths) config.add(readText(path), path);
    return config;
  }

  /** Takes a file's text; `path` is for messages. E_CONFIG. */
  add(text: string, path: string): void {
    let section = DEFAULTS;
    let last: string | null = null;
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (/^\s*([#;]|$)/.test(line)) {
        if (line.trim() === '') last = null;
        continue;
      }
      const header = /^\[([^\]]+)\]\s*$/.exec(line);
      const option = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line);
      if (header) {
        section = (header[1] as string).trim();
        last = null;
      } else if (/^\s/.test(line) && last !== null) {
        this.#values.set(last, `${this.#values.get(last)}\n${line.trim()}`);
      } else if (option) {
        last = `${section}/${normal(option[1] as string)}`;
        this.#values.set(last, unquoted(option[2] as string));
      } else throw new CalicoError('E_CONFIG', `${path}:${i + 1}`, `neither a section nor an option: '${line}'`);
    }
  }

  /** The option's value, with others' in it; undefined where it is not set. */
  get(section: string, name: string): string | undefined {
    return this.#value(section, name, 0);
  }

  /** As `get`, a whole number. E_CONFIG. */
  number(section: string, name: string, otherwise: number): number {
    const text = this.get(section, name);
    if (text === undefined || text === '') return otherwise;
    if (/^\d+$/.test(text)) return Number(text);
    throw new CalicoError('E_CONFIG', `[${section}] ${name}`, `is no whole number: '${text}'`);
  }

  #value(section: string, name: string, depth: number): string | undefined {
    const raw = this.#values.get(`${section}/${normal(name)}`);
    if (raw === undefined || depth > DEEPEST) return raw;
    return raw.replace(/\$\$|\\\$|\$\{([^}]+)\}|\$(\w+)/g, (written, braced?: string, plain?: string) => {
      const other = braced ?? plain;
      if (other === undefined) return '$';
      const dot = other.indexOf('.');
      const [group, option] = dot < 0 ? [section, other] : [other.slice(0, dot), other.slice(dot + 1)];
      const value = this.#value(group, option, depth + 1);
      return value ?? (dot < 0 ? this.#value(DEFAULTS, option, depth + 1) : undefined) ?? written;
    });
  }
}

/** oslo.config takes a dash for an underscore. */
function normal(name: string): string {
  return name.trim().replaceAll('-', '_');
}

function unquoted(text: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  return quoted ? (quoted[2] as string) : text;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CalicoError('E_FILE', path, 'cannot be read', { hint: (cause as Error).message, cause });
  }
}
