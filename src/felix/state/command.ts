/** `calico felix state`: what the Felix of this host wants, knows and could not do. */
import type { Command } from 'commander';

interface Flags {
  hostSocket?: string;
  output: string;
  table?: string;
  full?: boolean;
}

export function addFelixCommands(program: Command): void {
  program
    .command('felix')
    .description("this host's agent")
    .command('state')
    .description('the desired and the actual state of every kernel table, and what went wrong')
    .option('--host-socket <path>', "of the Felix that is asked (default: that of this network namespace's)")
    .option('-o, --output <format>', 'json, or text', 'text')
    .option('-t, --table <name>', 'entries of the tables whose name has this in it')
    .option('--full', 'also the members of IP sets')
    .action(printState);
}

async function printState({ hostSocket, output, table, full = false }: Flags): Promise<void> {
  const { readState } = await import('./client.ts');
  const { formatState } = await import('./format.ts');
  const { socketPath } = await import('./socket-path.ts');
  const state = await readState(hostSocket ?? socketPath(), full);
  process.stdout.write(output === 'json' ? `${JSON.stringify(state, null, 2)}\n` : formatState(state, table));
}
