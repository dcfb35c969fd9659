/** What may stand at the end of a command line that is being typed. */
import type { Argument, Command, Option } from 'commander';
import { KIND_NAMES } from '../../api/kind-names.ts';
import type { Io } from '../io.ts';

/** Typing must not wait longer for a datastore. */
const PATIENCE_MS = 1000;
/** What a shell takes as it is: others may have written anything into the datastore, and a shell would run it. */
const PLAIN_WORD = /^[\w.:@%+,/-]+$/;
const FORMATS = ['yaml', 'json', 'table', 'wide', 'custom-columns=', 'go-template=', 'go-template-file='];

/**
 * The words that may come last: `words` are those after the program's name, the last one as far as it is typed. Empty
 * where it is the name of a file, or anything. Never throws: a datastore that cannot be asked has no names.
 */
export async function candidates(program: Command, words: readonly string[], io: Io): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  const all = await possible(program, words.slice(0, -1), typed, io);
  return all.filter((word) => word.startsWith(typed)).sort();
}

async function possible(program: Command, before: readonly string[], typed: string, io: Io): Promise<string[]> {
  const { command, positional, awaiting, values } = walk(program, before);
  if (awaiting) return awaiting.argChoices ?? valuesOf(awaiting);
  if (typed.startsWith('-')) return optionsOf(command);
  if (command.commands.length > 0)
    return command.commands.map((sub) => sub.name()).filter((name) => !name.startsWith('_'));
  const argument = argumentAt(command, positional.length);
  switch (argument?.name()) {
    case 'kind':
      return kinds();
    case 'shell':
      return argument.argChoices ?? [];
    case 'name':
    case 'names':
      return names(positional[0] as string, values, io);
    default:
      return [];
  }
}

interface Walked {
  readonly command: Command;
  /** What is given for the command's arguments. */
  readonly positional: readonly string[];
  /** The option whose value comes next. */
  readonly awaiting: Option | undefined;
  readonly values: ReadonlyMap<string, string>;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let awaiting: Option | undefined;
  const positional: string[] = [];
  const values = new Map<string, string>();
  for (const word of words) {
    if (awaiting) {
      values.set(awaiting.attributeName(), word);
      awaiting = undefined;
    } else if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find(
        ({ short, long }) => word === short || word === long,
      );
      if (option?.required) awaiting = option;
    } else {
      const sub = command.commands.find((sub) => sub.name() === word);
      if (sub) command = sub;
      else positional.push(word);
    }
  }
  return { command, positional, awaiting, values };
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[position] ?? (last?.variadic ? last : undefined);
}

function optionsOf(command: Command): string[] {
  const shown = command.options.filter(({ hidden }) => !hidden);
  return [
    ...shown.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined && flag !== null)),
    '--help',
  ];
}

function valuesOf(option: Option): string[] {
  return option.long === '--output' ? FORMATS : option.long === '--log-level' ? ['info', 'debug'] : [];
}

function kinds(): string[] {
  return Object.values(KIND_NAMES).flatMap(({ plural, keeper }) => (keeper ? [] : [plural]));
}

/** The names of what there is of the kind, in its namespace. */
async function names(kind: string, values: ReadonlyMap<string, string>, io: Io): Promise<string[]> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const given = new Promise<string[]>((resolve) =>
    patience.addEventListener('abort', () => resolve([]), { once: true }),
  );
  return Promise.race([given, stored(kind, values, io, patience).catch(() => [])]);
}

async function stored(
  kind: string,
  values: ReadonlyMap<string, string>,
  io: Io,
  patience: AbortSignal,
): Promise<string[]> {
  const [{ askedKind }, { withClient }] = await Promise.all([import('../asked-kind.ts'), import('../session.ts')]);
  const info = askedKind(kind);
  const namespace = info.namespaced ? { namespace: values.get('namespace') ?? 'default' } : {};
  const { items } = await withClient(io, values.get('config'), (client) => {
    patience.addEventListener('abort', () => void client.close(), { once: true }); // or the program would wait on
    return client.list(info.kind, namespace);
  });
  return items.map(({ metadata }) => metadata.name).filter((name) => PLAIN_WORD.test(name));
}
