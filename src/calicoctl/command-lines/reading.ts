/** The command lines of what changes nothing: get, validate, convert, version. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { alsoShort, connected, fromFile, inNamespace, kindsHelp } from './options.ts';

export function addReading(program: Command, io: Io): void {
  addGet(program, io);
  const validate = fromFile(
    program.command('validate').description('check the resources of a file, without a datastore'),
    true,
  );
  inNamespace(validate, 'for resources that name no namespace').action(async (options) =>
    (await import('../commands/validate.ts')).validateFile(io, options),
  );
  const diff = fromFile(
    program
      .command('diff')
      .description('show what apply would change; exit status 1 when something would, 2 on errors'),
    true,
  );
  connected(inNamespace(diff, 'for resources that name no namespace')).action(async (options) =>
    (await import('../commands/diff.ts')).diff(io, options),
  );
  fromFile(program.command('convert'), true)
    .description("convert resources of Calico's v1 API, and Kubernetes' NetworkPolicies, to the v3 API")
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .option('--ignore-validation', 'print what the conversion gives, whether or not it is valid')
    .action(async (options) => (await import('../commands/convert.ts')).convert(io, options));
  program
    .command('explain-schema <kind>')
    .description('what the fields of a kind are, or of one of its fields: IPPool, GlobalNetworkPolicy.spec.ingress')
    .addHelpText('after', kindsHelp)
    .action(async (path) => (await import('../commands/explain-schema.ts')).explainSchema(io, path));
  connected(program.command('version'))
    .description("show this program's version and the cluster's")
    .option('--client', "show this program's version only")
    .action(async (options) => (await import('../commands/version.ts')).version(io, options));
}

function addGet(program: Command, io: Io): void {
  const command = fromFile(
    program.command('get [kind] [names...]').description('show resources, by kind and names or by file'),
    false,
  )
    .option(
      '-o, --output <format>',
      'yaml, json, table (ps), wide, custom-columns=…, go-template=…, go-template-file=…',
      'ps',
    )
    .option('-a, --all-namespaces', 'show the resources of all namespaces')
    .option('--export', 'leave out what belongs to this cluster');
  alsoShort(command, 'A', 'allNamespaces');
  connected(inNamespace(command, 'the namespace of the resources (default: default)'))
    .addHelpText('after', kindsHelp)
    .action(async (kind, names, options) => (await import('../commands/get.ts')).get(io, kind, names, options));
}
