/** A command that is nothing without one of its own commands: such as `calicoctl ipam`. */
import type { Command } from 'commander';
import { nearMiss } from '../../api/near-miss.ts';
import { CalicoError } from '../../errors/index.ts';

/** `path`: the whole name, for the error. */
export function group(parent: Command, name: string, path = `calicoctl ${name}`): Command {
  const command = parent.command(`${name} [command]`).usage('<command>').enablePositionalOptions();
  return command.action((unknown?: string) => {
    const names = command.commands.map((own) => own.name());
    const near = unknown === undefined ? undefined : nearMiss(unknown, names);
    const message = unknown === undefined ? 'needs a command' : `has no command '${unknown}'`;
    throw new CalicoError('E_USAGE', path, message, {
      hint: near ? `did you mean ${near}?` : `it has ${names.join(', ')}`,
    });
  });
}
