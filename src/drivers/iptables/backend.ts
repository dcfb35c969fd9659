/** Which iptables: every modern host has two, and rules in the one do not see rules in the other. */
import { accessSync, constants } from 'node:fs';
import { CalicoError } from '../../errors/index.ts';
import type { exec } from '../../kernel/index.ts';
import type { Family } from '../../net/index.ts';
import { countEntries } from './saved.ts';

export type Backend = 'legacy' | 'nft';

export interface Programs {
  readonly save: string;
  readonly restore: string;
}

/** How programs are run (a test may count them). */
export type Run = typeof exec;

/**
 * The backend to use: what is configured, else (`auto`) the one with more entries in it, of equals legacy: upstream's
 * habit, and what others on the host use is what we must share with them.
 */
export async function detectBackend(setting: string, run: Run): Promise<Backend> {
  const wanted = setting.toLowerCase();
  if (wanted === 'legacy' || wanted === 'nft') return wanted;
  if (wanted !== 'auto')
    throw new CalicoError('E_CONFIG', 'IptablesBackend', `not a backend: ${setting}`, {
      hint: 'use legacy, nft or auto',
    });
  const [legacy, nft] = await Promise.all([entries('iptables-legacy-save', run), entries('iptables-nft-save', run)]);
  return nft > legacy ? 'nft' : 'legacy';
}

async function entries(program: string, run: Run): Promise<number> {
  if (!find(program)) return -1;
  const { status, stdout } = await run(program, []);
  return status === 0 ? countEntries(stdout) : -1;
}

/** The programs of a backend and family. Throws E_KERNEL when the host has none. */
export function programsOf(backend: Backend, family: Family): Programs {
  const base = family === 4 ? 'iptables' : 'ip6tables';
  const pick = (action: string) => {
    const names = [`${base}-${backend}-${action}`, `${base}-${action}`];
    const found = names.find(find);
    if (!found)
      throw new CalicoError('E_KERNEL', names[0]!, 'no such program', { hint: 'install the package iptables' });
    return found;
  };
  return { save: pick('save'), restore: pick('restore') };
}

const DIRECTORIES = (path: string | undefined) => [
  ...(path ?? '').split(':'),
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
  '/bin',
];

function find(program: string): boolean {
  return DIRECTORIES(process.env.PATH).some((directory) => {
    try {
      accessSync(`${directory}/${program}`, constants.X_OK);
      return directory !== '';
    } catch {
      return false;
    }
  });
}
