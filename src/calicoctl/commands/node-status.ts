/** node status: the handler. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { birdSocket } from '../../bgp/control.ts';
import { birdStatus, explain, type SessionStatus } from '../../bgp/status.ts';
import { CalicoError } from '../../errors/index.ts';
import type { Io } from '../io.ts';
import { bordered } from '../output/bordered.ts';

const HEADINGS = ['PEER ADDRESS', 'PEER TYPE', 'STATE', 'SINCE', 'INFO'];
const TYPES = { mesh: 'node-to-node mesh', node: 'node specific', global: 'global' };

/** Upstream's report, which scripts read, and below each table why sessions in it are down. */
export async function nodeStatus(io: Io): Promise<void> {
  if (!isRunning('calico-felix') && !isRunning('calico-bgp'))
    throw new CalicoError('E_NOT_FOUND', 'calico', 'Calico process is not running.', {
      hint: 'start calico-felix and calico-bgp on this host',
    });
  io.out('Calico process is running.\n');
  const status = await birdStatus(birdSocket(io.env)).catch((error: Error) => {
    io.out('\nNone of the BGP backend processes (BIRD or GoBGP) are running.\n');
    throw error;
  });
  for (const family of [4, 6] as const)
    io.out(
      report(
        family,
        status.sessions.filter((session) => session.family === family),
      ),
    );
}

export function report(family: 4 | 6, sessions: readonly SessionStatus[]): string {
  const title = `\nIPv${family} BGP status\n`;
  if (sessions.length === 0) return `${title}No IPv${family} peers found.\n`;
  const rows = sessions.map(({ peer, type, state, since, info }) => [peer, TYPES[type], state, since, info]);
  const reasons = sessions.flatMap((session) => {
    const reason = explain(session);
    return reason === null ? [] : [`${session.peer}: ${reason}\n`];
  });
  return `${title}${bordered(HEADINGS, rows)}${reasons.join('')}`;
}

/** Does a program of that name run on this host, by itself or as a script of node's? */
function isRunning(name: string): boolean {
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 2);
      return words.some((word) => basename(word).replace(/\.js$/, '') === name);
    } catch {
      return false; // it has just ended
    }
  });
}
