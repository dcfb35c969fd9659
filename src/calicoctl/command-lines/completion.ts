/** The command lines of completion: the script for a shell, and what the script asks. */
import { Argument, type Command } from 'commander';
import type { Io } from '../io.ts';

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .description('print what a shell needs to complete command lines, names of resources included')
    .action(async (shell: 'bash' | 'zsh' | 'fish') =>
      io.out((await import('../completion/scripts.ts')).SCRIPTS[shell]),
    );
  program.command('__complete [words...]', { hidden: true }).action(async (words: string[]) => {
    const { candidates } = await import('../completion/candidates.ts');
    for (const word of await candidates(program, words, io)) io.out(`${word}\n`);
  });
}
