/** The command lines of bgp. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { group } from './group.ts';
import { connected } from './options.ts';

export function addBgp(program: Command, io: Io): void {
  const bgp = group(program, 'bgp').description('how the hosts tell each other of routes');
  connected(bgp.command('plan-reflectors <number>'))
    .description('print the resources that make so many nodes route reflectors, in place of the mesh, for apply')
    .option('--keep-mesh', 'leave the mesh on, until the sessions with the reflectors are up')
    .action(async (count, options) => (await import('../commands/bgp.ts')).plan(io, count, options));
}
