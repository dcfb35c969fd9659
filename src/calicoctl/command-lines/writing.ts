/** The command lines of what changes resources: create, apply, replace, delete, patch, label. */
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { alsoShort, connected, fromFile, inNamespace, kindsHelp } from './options.ts';

const handlers = () => import('../commands/write.ts');

export function addWriting(program: Command, io: Io): void {
  const create = file(program, 'create', 'create the resources of a file')
    .option('-u, --skip-exists', 'resources that exist already are left as they are, and count as created')
    .action(async (options) => (await handlers()).create(io, options));
  alsoShort(create, 's', 'skipExists');
  file(program, 'apply', 'create the resources of a file, or replace those that exist').action(async (options) =>
    (await handlers()).apply(io, options),
  );
  file(program, 'replace', 'replace existing resources by those of a file').action(async (options) =>
    (await handlers()).replace(io, options),
  );
  addDelete(program, io);
  addPatch(program, io);
  addLabel(program, io);
}

function file(program: Command, name: string, about: string): Command {
  const dryRun = new Option(
    '--dry-run <where>',
    'write nothing; client: check the file; server: say what would change',
  );
  const command = fromFile(program.command(name).description(about), true)
    .addOption(dryRun.choices(['client', 'server']))
    .option('--atomic', 'all of the file in one transaction, or nothing')
    .addOption(force());
  return connected(inNamespace(command, 'for resources that name no namespace'));
}

function force(): Option {
  return new Option('--force', 'although this host would have no BGP session left');
}

function addDelete(program: Command, io: Io): void {
  const command = fromFile(
    program.command('delete [kind] [names...]').description('delete resources, by kind and names or by file'),
    false,
  )
    .option('-s, --skip-not-exists', 'resources that do not exist count as deleted')
    .addOption(force());
  connected(inNamespace(command, 'the namespace of the resources'))
    .addHelpText('after', kindsHelp)
    .action(async (kind, names, options) => (await handlers()).remove(io, kind, names, options));
}

function addPatch(program: Command, io: Io): void {
  const command = program
    .command('patch <kind> <name>')
    .description('change fields of a resource')
    .requiredOption(
      '-p, --patch <json>',
      'the fields to merge into the resource; null removes one, "$patch": "replace" replaces an object',
    )
    .option('-t, --type <type>', 'accepted for compatibility: patches are always merged')
    .addOption(force());
  connected(inNamespace(command, 'the namespace of the resource'))
    .addHelpText('after', kindsHelp)
    .action(async (kind, name, options) => (await import('../commands/patch.ts')).patch(io, kind, name, options));
}

function addLabel(program: Command, io: Io): void {
  const command = program
    .command('label <kind> <name> <label>')
    .description('set a label of a resource, key=value, or remove one')
    .addOption(new Option('--overwrite', 'replace the value that the label has').conflicts('remove'))
    .option('--remove', 'remove the label, which is given by its key alone');
  connected(inNamespace(command, 'the namespace of the resource'))
    .addHelpText('after', kindsHelp)
    .action(async (kind, name, label, options) =>
      (await import('../commands/label.ts')).label(io, kind, name, label, options),
    );
}
