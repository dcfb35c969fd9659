/** The command line. Commands load what they need when they run: `--help` loads nothing but the parser of the command line. */
import { Command, CommanderError, Option } from 'commander';
import { CalicoError } from '../errors/index.ts';
import { errorLines } from './error-lines.ts';
import type { Io } from './io.ts';

const KINDS = `Kinds: bgpConfiguration, bgpPeer, clusterInformation, felixConfiguration, globalNetworkPolicy (gnp),
globalNetworkSet, hostEndpoint (hep), ipPool, networkPolicy (np), networkSet, node, profile, workloadEndpoint (wep);
in any case, singular or plural.`;

const DATASTORE = `The datastore is named by ETCD_ENDPOINTS (with ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_USERNAME,
ETCD_PASSWORD) or by a configuration file (--config).`;

const write = () => import('./commands/write.ts');

function program(io: Io): Command {
  const program = new Command('calicoctl')
    .description("Reads and writes Calico's resources, and explains what they do to a packet.")
    .option('-l, --log-level <level>', 'panic, fatal, error, warn, info or debug')
    .hook('preAction', (command, action) => log(io, command.opts().logLevel, action))
    .addHelpText('after', `\n${DATASTORE}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text) => io.err(text.replace(/^error: /, 'E_USAGE calicoctl: ').replace(/\n(?=\()/, ' ')),
    })
    .enablePositionalOptions();

  file(program, 'create', 'create the resources of a file')
    .option('--skip-exists', 'resources that exist already are left as they are, and count as created')
    .action(async (options) => (await write()).create(io, options));
  file(program, 'apply', 'create the resources of a file, or replace those that exist').action(async (options) =>
    (await write()).apply(io, options),
  );
  file(program, 'replace', 'replace existing resources by those of a file').action(async (options) =>
    (await write()).replace(io, options),
  );
  remove(io, program);
  get(io, program);
  connected(program.command('patch <kind> <name>'))
    .description('change fields of a resource')
    .requiredOption('-p, --patch <json>', 'the fields to merge into the resource; null removes one')
    .option('-t, --type <type>', 'accepted for compatibility: patches are always merged')
    .option('-n, --namespace <namespace>', 'the namespace of the resource')
    .action(async (kind, name, options) => (await import('./commands/patch.ts')).patch(io, kind, name, options));
  connected(program.command('version'))
    .description("show this program's version and the cluster's")
    .option('--client', "show this program's version only")
    .action(async (options) => (await import('./commands/version.ts')).version(io, options));
  return program;
}

function file(program: Command, name: string, description: string): Command {
  return connected(program.command(name))
    .description(description)
    .requiredOption('-f, --filename <file>', 'a YAML or JSON file, a folder of them, or - for standard input')
    .option('-R, --recursive', 'in a folder, read the folders in it too')
    .option('--skip-empty', 'no resources in the file is no error')
    .option('-n, --namespace <namespace>', 'for resources that name no namespace');
}

function remove(io: Io, program: Command): void {
  connected(program.command('delete [kind] [names...]'))
    .description('delete resources, by kind and names or by file')
    .option('-f, --filename <file>', 'a YAML or JSON file, a folder of them, or - for standard input')
    .option('-R, --recursive', 'in a folder, read the folders in it too')
    .option('--skip-empty', 'no resources in the file is no error')
    .option('--skip-not-exists', 'resources that do not exist count as deleted')
    .option('-n, --namespace <namespace>', 'the namespace of the resources')
    .addHelpText('after', `\n${KINDS}`)
    .action(async (kind, names, options) => {
      const { deleteFile, deleteNamed } = await write();
      if (options.filename !== undefined && kind === undefined) return deleteFile(io, options);
      if (kind === undefined || names.length === 0 || options.filename !== undefined)
        throw new CalicoError('E_USAGE', 'calicoctl delete', 'needs a kind and names, or --filename');
      return deleteNamed(io, kind, names, options);
    });
}

function get(io: Io, program: Command): void {
  connected(program.command('get [kind] [names...]'))
    .description('show resources, by kind and names or by file')
    .option('-f, --filename <file>', 'show the resources that a file names')
    .option('-R, --recursive', 'in a folder, read the folders in it too')
    .option(
      '-o, --output <format>',
      'yaml, json, table (ps), wide, custom-columns=…, go-template=…, go-template-file=…',
      'ps',
    )
    .option('-n, --namespace <namespace>', 'the namespace of the resources (default: default)')
    .option('-a, --all-namespaces', 'show the resources of all namespaces')
    .option('--export', 'leave out what belongs to this cluster')
    .addHelpText('after', `\n${KINDS}`)
    .action(async (kind, names, options) => (await import('./commands/get.ts')).get(io, kind, names, options));
}

/** The options of every command that asks the datastore. */
function connected(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration file of the datastore (default: /etc/calico/calicoctl.cfg)')
    .addOption(new Option('--allow-version-mismatch').hideHelp());
}

function log(io: Io, level: string | undefined, action: Command): void {
  const levels = ['panic', 'fatal', 'error', 'warn', 'info', 'debug'];
  if (level === undefined) return;
  if (!levels.includes(level))
    throw new CalicoError('E_USAGE', '--log-level', `'${level}' is not one of ${levels.join(', ')}`);
  if (level === 'info' || level === 'debug')
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
