/** The command line. Commands load what they need when they run: `--help` loads nothing but the parser of the command line. */
import { Command, CommanderError, Option } from 'commander';
import { CalicoError } from '../errors/index.ts';
import { addBgp } from './command-lines/bgp.ts';
import { addCompletion } from './command-lines/completion.ts';
import { addDatastore } from './command-lines/datastore.ts';
import { addIpam } from './command-lines/ipam.ts';
import { addNode } from './command-lines/node.ts';
import { addReading } from './command-lines/reading.ts';
import { addWriting } from './command-lines/writing.ts';
import { errorLines } from './error-lines.ts';
import { ExitStatus } from './exit-status.ts';
import type { Io } from './io.ts';

const DATASTORE = `The datastore is named by ETCD_ENDPOINTS (with ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_USERNAME,
ETCD_PASSWORD) or by a configuration file (--config).`;

const LEVELS = ['panic', 'fatal', 'error', 'warn', 'info', 'debug'];

function program(io: Io): Command {
  const program = new Command('calicoctl')
    .description("Reads and writes Calico's resources, and explains what they do to a packet.")
    .option('-l, --log-level <level>', LEVELS.join(', '))
    .addOption(new Option('--context <name>').hideHelp())
    .addOption(new Option('--allow-version-mismatch').hideHelp())
    .hook('preAction', (command, action) => log(io, command.opts().logLevel, action))
    .addHelpText('after', `\n${DATASTORE}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text) => io.err(text.replace(/^error: /, 'E_USAGE calicoctl: ').replace(/\n(?=\()/, ' ')),
    })
    .enablePositionalOptions();
  addWriting(program, io);
  addReading(program, io);
  addCompletion(program, io);
  addIpam(program, io);
  addDatastore(program, io);
  addNode(program, io);
  addBgp(program, io);
  for (const command of descendants(program)) command.addOption(new Option('-l, --log-level <level>').hideHelp());
  return program;
}

/** Its commands, and theirs. */
function descendants({ commands }: Command): Command[] {
  return commands.flatMap((own) => [own, ...descendants(own)]);
}

function log(io: Io, level: string | undefined, action: Command): void {
  const wanted = level ?? (action.opts().logLevel as string | undefined);
  if (wanted === undefined) return;
  if (!LEVELS.includes(wanted))
    throw new CalicoError('E_USAGE', '--log-level', `'${wanted}' is not one of ${LEVELS.join(', ')}`);
  if (wanted === 'info' || wanted === 'debug')
    io.err(
      `level=info command=${action.name()} endpoints=${io.env.ETCD_ENDPOINTS ?? ''} config=${action.opts().config ?? ''}\n`,
    );
}

/** Runs a command line. Resolves to its exit status. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    await dispatch(argv, io);
    return 0;
  } catch (error) {
    if (error instanceof ExitStatus) return error.status;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1; // commander has said it
    for (const line of errorLines(error)) io.err(`${line}\n`);
    if (io.env.CALICO_DEBUG && error instanceof Error) io.err(`${error.stack}\n`);
    return 1;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<void> {
  const calicoctl = program(io);
  if (argv.includes('explain')) {
    const { explainCommand } = await import('./explain/command.ts');
    calicoctl.addCommand(explainCommand(io).copyInheritedSettings(calicoctl));
  } else calicoctl.command('explain').description('say what becomes of a packet, and which rule decides it');
  if (argv.length === 0) {
    io.out("Invalid option: 'calicoctl '. Use flag '--help' to read about a specific subcommand.\n");
    throw new CalicoError('E_USAGE', 'calicoctl', 'needs a command', { hint: 'calicoctl --help lists them' });
  }
  await calicoctl.parseAsync(argv, { from: 'user' });
}
