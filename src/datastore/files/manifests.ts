/** A directory of manifests: what its files hold, and writing one resource of it. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { CalicoError } from '../../errors/index.ts';
import type { KeyValue } from '../store.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { YAML_DIALECT } from './yaml-dialect.ts';

export type Report = (message: string, fields: Readonly<Record<string, unknown>>) => void;

interface File extends Manifest {
  /** What tells a changed file from the one that was read. */
  readonly stamp: string;
  /** Microseconds since the epoch. */
  readonly modified: number;
}

const MANIFEST = /\.(ya?ml|json)$/;

export class Manifests {
  readonly #directory: string;
  readonly #report: Report;
  #files = new Map<string, File>();
  #unsettled = false;
  #reported = new Set<string>();

  constructor(directory: string, report: Report) {
    this.#directory = directory;
    this.#report = report;
  }

  /**
   * Reads what has changed since the last time. A file that is not YAML any more keeps what it held. One that was written less
   * than `quiet` milliseconds ago may be half written yet, and keeps it, too: resolves to whether there is one.
   */
  async scan(quiet = 0): Promise<boolean> {
    this.#unsettled = false;
    const files = new Map<string, File>();
    for (const path of await this.#paths()) {
      const file = await this.#read(path, quiet).catch((error) => this.#unread(path, error));
      if (file) files.set(path, file);
    }
    this.#files = files;
    this.#tell(new Set([...files.values()].flatMap(({ problems }) => problems).concat(this.#twice())));
    return this.#unsettled;
  }

  /** Everything that is held; of what two files hold, the first by name counts. */
  items(): KeyValue[] {
    const items = new Map<string, KeyValue>();
    for (const { entries, modified } of this.#files.values())
      for (const { key, value } of entries)
        if (!items.has(key)) items.set(key, { key, value, revision: String(modified) });
    return [...items.values()];
  }

  /** Why it cannot be said what the directory holds; null: it can. */
  unreadable(): CalicoError | null {
    const [path, file] = [...this.#files].find(([, { unknown }]) => unknown) ?? [];
    if (!path || !file) return null;
    const hint = 'nothing is changed on this host before it can be read: it may be what protects it';
    return new CalicoError('E_FILE', path, file.problems.join('; '), { hint });
  }

  /** Writes the resource (null: takes it away) where it is, or into a file of its own. Others see all of it or nothing. */
  async write(key: string, resource: object | null): Promise<void> {
    const found = [...this.#files].find(([, { entries }]) => entries.some((entry) => entry.key === key));
    if (!found) {
      if (resource) await replaceFile(join(this.#directory, fileName(key)), asYaml(resource));
      return;
    }
    const [path, { entries }] = found;
    const { document } = entries.find((entry) => entry.key === key) as Manifest['entries'][number];
    if (document === null)
      throw new CalicoError('E_FILE', path, 'holds it in a list, which is not written', { hint: 'edit the file' });
    const text = withDocument(await readFile(path, 'utf8'), document, resource);
    if (text === null) await rm(path, { force: true });
    else await replaceFile(path, text);
  }

  async #paths(): Promise<string[]> {
    try {
      const entries = await readdir(this.#directory, { withFileTypes: true });
      const names = entries.filter(
        (entry) => !entry.isDirectory() && MANIFEST.test(entry.name) && !entry.name.startsWith('.'),
      );
      return names.map(({ name }) => join(this.#directory, name)).sort();
    } catch (cause) {
      throw new CalicoError('E_FILE', this.#directory, `cannot be read: ${(cause as Error).message}`, {
        hint: 'CALICO_MANIFESTS names the directory of manifests',
        cause,
      });
    }
  }

  async #read(path: string, quiet: number): Promise<File> {
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) throw new Error('it is no file'); // a pipe would be waited for, and everything else with it
    const { mtimeNs, size, ino } = found;
    const stamp = `${mtimeNs} ${size} ${ino}`;
    const known = this.#files.get(path);
    if (known?.stamp === stamp) return known;
    if (known && Date.now() - Number(mtimeNs / 1_000_000n) < quiet) {
      this.#unsettled = true;
      return known;
    }
    const modified = Number(mtimeNs / 1000n);
    const read = readManifest(await readFile(path, 'utf8'), path);
    if (!known || !(read.broken || read.unknown)) return { ...read, stamp, modified };
    return {
      ...known,
      problems: read.problems.map((problem) => `${problem} (what it held before stays in force)`),
      stamp,
    };
  }

  /** One that cannot be read may hold anything. */
  #unread(path: string, { code, message }: NodeJS.ErrnoException): File | undefined {
    if (code === 'ENOENT') return undefined;
    const problems = [`${path}: cannot be read: ${message}`];
    const nothing = { entries: [], broken: true, unknown: true, modified: 0 };
    return { ...(this.#files.get(path) ?? nothing), problems, stamp: '' };
  }

  #twice(): string[] {
    const holders = new Map<string, string>();
    const problems: string[] = [];
    for (const [path, { entries }] of this.#files)
      for (const { key } of entries) {
        const first = holders.get(key);
        if (first !== undefined) problems.push(`${path}: ${basename(key)} is in ${first} already, which counts`);
        else holders.set(key, path);
      }
    return problems;
  }

  /** Each problem once, for as long as it lasts. */
  #tell(problems: ReadonlySet<string>): void {
    for (const problem of problems)
      if (!this.#reported.has(problem)) this.#report('a manifest is not in order', { problem });
    this.#reported = new Set(problems);
  }
}

/** The text with the document replaced or taken away, the others as they are written; null when nothing is left. */
function withDocument(text: string, index: number, resource: object | null): string | null {
  const documents = parseAllDocuments(text, YAML_DIALECT);
  if ('empty' in documents) return resource && asYaml(resource);
  const texts = documents.map(({ range }) => text.slice(range[0], range[2]).replace(/^---[^\n]*\n|^\.\.\.\s*\n/, ''));
  const changed = texts.flatMap((own, i) => (i !== index ? [own] : resource ? [asYaml(resource)] : []));
  const kept = changed.map((own) => own.replace(/\n*(---\s*)?$/, '\n')).filter((own) => own.trim() !== '');
  return kept.length === 0 ? null : kept.join('---\n');
}

/** `networkpolicy.prod.allow-dns.yaml`, of its key. */
function fileName(key: string): string {
  return `${key.split('/').slice(5).join('.')}.yaml`;
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path).catch(async (error) => {
    await rm(draft, { force: true });
    throw error;
  });
}

/** Read the same by every version of YAML: texts that one of them takes for something else are quoted. */
function asYaml(resource: object): string {
  return stringify(resource, { schema: 'yaml-1.1', lineWidth: 0 });
}
