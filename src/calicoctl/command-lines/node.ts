/** The command lines of node. */
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { group } from './group.ts';
import { connected } from './options.ts';

const METHODS = 'first-found, can-reach=HOST, interface=NAMES, skip-interface=NAMES, cidr=PREFIXES';

export function addNode(program: Command, io: Io): void {
  const node = group(program, 'node').description('this host as a node of the cluster');
  addRun(node, io);
  node
    .command('status')
    .description('say how BGP does on this host, and why a session is down')
    .action(async () => (await import('../commands/node-status.ts')).nodeStatus(io));
  node
    .command('checksystem')
    .description('say whether this host can be a node')
    .option('-f, --kernel-config <file>', "the kernel's configuration, in place of what the running one says")
    .action(async (options) => (await import('../node/checksystem.ts')).checksystem(io, options));
  node
    .command('diags')
    .description('gather what helps to find out why a node does not do what it should')
    .option('--log-dir <directory>', "where Calico's logs are", '/var/log/calico')
    .action(async (options) => (await import('../node/diags.ts')).diags(io, options));
}

function addRun(node: Command, io: Io): void {
  connected(node.command('run'))
    .description('make this host a node: run calico-node')
    .option('--name <name>', "the node's name (default: the one it had before, or the host's)")
    .option('--as <number>', "the node's AS number")
    .option('--ip <address>', "the node's IPv4 address; autodetect: find it at each start; none")
    .option('--ip6 <address>', "the node's IPv6 address; autodetect: find it at each start; none")
    .option('--ip-autodetection-method <method>', `how to find the IPv4 address: ${METHODS}`)
    .option('--ip6-autodetection-method <method>', 'how to find the IPv6 address')
    .option('--log-dir <directory>', 'where calico-node logs to', '/var/log/calico')
    .option('--node-image <image>', 'accepted for compatibility: there are no containers')
    .addOption(
      new Option('--backend <backend>', 'what carries packets between nodes')
        .choices(['bird', 'vxlan', 'none'])
        .default('bird'),
    )
    .option('--felix-config <file>', "Felix's configuration file (default: /etc/calico/felix.cfg)")
    .option('--no-default-ippools', 'make no pools where there are none')
    .option('--dryrun', 'show the command that would be run')
    .option('--init-system', 'stay in the foreground, for systemd and its like')
    .action(async (options) => (await import('../node/run.ts')).run(io, options));
}
