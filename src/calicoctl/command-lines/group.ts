/** A command that is nothing without one of its own commands: such as `calicoctl ipam`. */
import type { Command } from 'commander';
import { CalicoError } from '../../errors/index.ts';

/** `path`: the whole name, for the error. */
export function group(parent: Command, name: string, path = `calicoctl ${name}`): Command {
  const command = parent.command(name).enablePositionalOptions().allowExcessArguments();
  return command.action((_options, { args }: Command) => {
    const [unknown] = args;
    const names = command.commands.map((own) => own.name()).join(', ');
    const message = unknown === undefined ? 'needs a command' : `has no command '${unknown}'`;
    throw new CalicoError('E_USAGE', path, message, { hint: `it has ${names}` });
  });
}
