/** The command lines of ipam. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { group } from './group.ts';
import { connected } from './options.ts';

export function addIpam(program: Command, io: Io): void {
  const ipam = group(program, 'ipam').description('management of addresses');
  connected(ipam.command('split <number>'))
    .description('split a pool into so many smaller ones (a power of 2); the datastore must be locked')
    .option('--cidr <cidr>', 'the prefix of the pool')
    .option('--name <name>', 'the name of the pool')
    .action(async (number, options) => (await import('../ipam/split.ts')).split(io, number, options));
}
