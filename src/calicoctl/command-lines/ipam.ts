/** The command lines of ipam. */
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { group } from './group.ts';
import { connected } from './options.ts';

export function addIpam(program: Command, io: Io): void {
  const ipam = group(program, 'ipam').description('management of addresses');
  addShow(ipam, io);
  addConfigure(ipam, io);
  addCheck(ipam, io);
  addMigrate(ipam, io);
  connected(ipam.command('release'))
    .description('release an address, or those that a report of ipam check says nobody uses')
    .option('--ip <address>', 'the address; whoever uses it goes on using it')
    .addOption(new Option('--from-report <file>', 'what ipam check -o wrote').conflicts('ip'))
    .option('--force', 'with --from-report: although the datastore is not locked, or the report is of another version')
    .action(async (options) => (await import('../ipam/release.ts')).release(io, options));
  connected(ipam.command('split <number>'))
    .description('split a pool into so many smaller ones (a power of 2); the datastore must be locked')
    .option('--cidr <cidr>', 'the prefix of the pool')
    .option('--name <name>', 'the name of the pool')
    .action(async (number, options) => (await import('../ipam/split.ts')).split(io, number, options));
}

function addMigrate(ipam: Command, io: Io): void {
  connected(ipam.command('migrate <from> <to>'))
    .description('move from one pool to another, as far as that is possible now')
    .option('--plan', 'show what is to be done, and do nothing')
    .action(async (from, to, options) => (await import('../ipam/migrate-pool.ts')).migratePool(io, from, to, options));
}

function addShow(ipam: Command, io: Io): void {
  const only = (flags: string, about: string, ...others: string[]) => new Option(flags, about).conflicts(others);
  connected(ipam.command('show'))
    .description('how full the pools are, or who has an address')
    .addOption(only('--ip <address>', 'whose this address is', 'showBlocks', 'showBorrowed', 'showConfiguration'))
    .addOption(only('--show-blocks', "the pools' blocks, too", 'showBorrowed', 'showConfiguration'))
    .addOption(only('--show-borrowed', "addresses in use by others than their block's host", 'showConfiguration'))
    .option('--show-configuration', 'how allocation is set')
    .action(async (options) => (await import('../ipam/show.ts')).show(io, options));
}

function addConfigure(ipam: Command, io: Io): void {
  connected(ipam.command('configure'))
    .description('change how addresses are allocated')
    .option('--strictaffinity <true/false>', "true: a host uses no address of another host's block")
    .option('--max-blocks-per-host <number>', 'how many blocks a host may have; 0: no limit')
    .option('--kubevirt-ip-persistence <Enabled/Disabled>', 'virtual machines of KubeVirt keep their addresses')
    .option('--ip-cooldown-seconds <number>', 'how long a released address is not given again')
    .action(async (options) => (await import('../ipam/configure.ts')).configure(io, options));
}

function addCheck(ipam: Command, io: Io): void {
  connected(ipam.command('check'))
    .description('do pools, blocks, handles, nodes and workloads agree about addresses?')
    .option('--show-all-ips', 'every address that is looked at')
    .option('--show-problem-ips', 'every address that is leaked or not allocated properly')
    .option('-o, --output <file>', 'write a report for ipam release --from-report')
    .addOption(new Option('--kubeconfig <file>').hideHelp())
    .option('--fix', 'mend what is found: release what nobody uses, and what contradicts itself')
    .option('--plan', 'with --fix: show what it would do, and why, and do nothing')
    .option('--limit <number>', 'with --fix: how many addresses may be released (default: a tenth, at least 10)')
    .option('--unsure', 'with --fix: release also what only seems to be unused')
    .option('--wait <seconds>', 'with --fix: look again so much later, for what is being set up meanwhile', '10')
    .action(async (options) => (await import('../ipam/check.ts')).checkIpam(io, options));
}
