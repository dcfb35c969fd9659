/** The program `calico`: the lab's commands, and those that ask this host's agent. What a command needs is loaded when it runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { CalicoError } from '../errors/index.ts';
import { addFelixCommands } from '../felix/state/command.ts';
import type { Matrix } from './matrix.ts';

interface Size {
  hosts: number;
  workloads: number;
  file?: string;
}

interface MatrixFlags {
  output: string;
  port: number;
  timeout: number;
  all?: boolean;
  changedFrom?: string;
}

const program = new Command('calico')
  .description('Calico: routed networking and network policy')
  .exitOverride()
  .enablePositionalOptions();
addFelixCommands(program);
const lab = program
  .command('lab')
  .description('many hosts with workloads on this one machine, in network namespaces')
  .enablePositionalOptions();

sized(lab.command('up').description('bring up the lab (an older one goes first)')).action(async (size: Size) => {
  const { Stages } = await import('./stages.ts');
  const { up } = await import('./up.ts');
  const stages = new Stages((text) => process.stderr.write(text));
  await up(await topologyOf(size), stages);
  stages.say(`up in ${stages.elapsed}; calico lab matrix | status | exec | shell | down`);
});

sized(lab.command('demo').description('bring up the lab and show that it works')).action(async (size: Size) => {
  const { demo } = await import('./demo.ts');
  await demo(await topologyOf(size), (text) => process.stdout.write(text));
});

lab
  .command('down')
  .description('remove the lab, whatever is left of it')
  .action(async () => {
    const { down } = await import('./down.ts');
    process.stderr.write(`removed ${await down()} namespaces\n`);
  });

lab
  .command('status')
  .description('what runs')
  .option('-o, --output <format>', 'json, or a table', 'table')
  .action(async ({ output }: { output: string }) => {
    const { formatStatus, statusOf } = await import('./status.ts');
    const { readState } = await import('./state.ts');
    const status = await statusOf(readState());
    process.stdout.write(output === 'json' ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(status));
  });

lab
  .command('matrix')
  .description('who reaches whom; marks what changed since the matrix before')
  .option('-o, --output <format>', 'json, or a table', 'table')
  .option('-p, --port <port>', 'TCP port (80 has a server in the lab)', integer, 80)
  .option('--timeout <ms>', 'until a connection counts as not possible', integer, 1000)
  .option('--all', 'every workload, also where there are very many')
  .option('--changed-from <file>', 'compare with this matrix (written by -o json)')
  .action(matrixCommand);

lab
  .command('exec')
  .description('run a command on a host or in a workload')
  .usage('HOST|WORKLOAD -- COMMAND…')
  .argument('<name>')
  .argument('<command...>')
  .passThroughOptions()
  .action(async (name: string, command: string[]) => {
    const { execute } = await import('./exec.ts');
    const { readState } = await import('./state.ts');
    const own = command[0] === '--' ? command.slice(1) : command;
    process.exitCode = await execute(readState(), name, own);
  });

lab
  .command('logs')
  .description('print the logs of a host, of router or of etcd')
  .argument('<host>')
  .action(async (host: string) => (await import('./exec.ts')).printLogs(host));

lab
  .command('shell')
  .description('a shell in which calicoctl finds the lab')
  .action(async () => {
    const { shell } = await import('./exec.ts');
    (await import('./state.ts')).readState();
    process.exitCode = await shell();
  });

async function matrixCommand(flags: MatrixFlags): Promise<void> {
  const { formatMatrix, measure } = await import('./matrix.ts');
  const { readState } = await import('./state.ts');
  const { LAST_MATRIX } = await import('./paths.ts');
  const { paint } = await import('./paint.ts');
  const before = flags.changedFrom === undefined ? findMatrix(LAST_MATRIX) : readMatrix(flags.changedFrom);
  const matrix = await measure(readState(), { port: flags.port, timeoutMs: flags.timeout, all: flags.all ?? false });
  writeFileSync(LAST_MATRIX, JSON.stringify(matrix));
  process.stdout.write(flags.output === 'json' ? `${JSON.stringify(matrix)}\n` : formatMatrix(matrix, before, paint));
}

function readMatrix(path: string): Matrix {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Matrix;
  } catch (cause) {
    throw new CalicoError('E_FILE', path, 'is no matrix', { hint: 'calico lab matrix -o json writes one', cause });
  }
}

function findMatrix(path: string): Matrix | null {
  try {
    return readMatrix(path);
  } catch {
    return null;
  }
}

function sized(command: Command): Command {
  return command
    .option('--hosts <n>', 'number of hosts', integer, 3)
    .option('--workloads <n>', 'number of workloads on each host', integer, 2)
    .option('-f, --file <topology.yaml>', 'hosts, workloads, pools and peers from a file');
}

async function topologyOf({ hosts, workloads, file }: Size) {
  const { defaultTopology, readTopology } = await import('./topology.ts');
  return file === undefined ? defaultTopology(hosts, workloads) : readTopology(file);
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a number is expected');
  return Number(text);
}

process.on('SIGINT', () => {
  process.stderr.write('interrupted; calico lab down removes what is there\n');
  process.exit(130);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CalicoError) process.stderr.write(`${error}\n`);
  else if (!(error instanceof Error && 'exitCode' in error)) throw error;
  process.exitCode = error instanceof CalicoError ? 1 : (error as unknown as { exitCode: number }).exitCode;
}
