/** What a command has of the world around it; tests give it another. */
import { isAbsolute, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Client, DatastoreConfig } from '../datastore/index.ts';

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative file names start. */
  readonly directory: string;
  stdin(): Promise<string>;
  out(text: string): void;
  err(text: string): void;
  connect(config: DatastoreConfig): Promise<Client>;
  /** Is somebody looking? For colours, and for how far a long command is. */
  readonly isTerminal?: { readonly out: boolean; readonly err: boolean };
}

export const processIo: Io = {
  env: process.env,
  directory: process.cwd(),
  stdin: () => text(process.stdin),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: { out: process.stdout.isTTY ?? false, err: process.stderr.isTTY ?? false },
  connect: async (config) => (await import('../datastore/index.ts')).connect(config, warn),
};

export function pathIn({ directory }: Io, file: string): string {
  return isAbsolute(file) ? file : join(directory, file);
}

/** What of a datastore is not in order, though the command can be done. */
function warn(message: string, fields: Readonly<Record<string, unknown>>): void {
  process.stderr.write(`warning: ${message}: ${Object.values(fields).join(' ')}\n`);
}
