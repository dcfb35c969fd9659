/** The command line of a program that takes its configuration from elsewhere: `--help`, `--version`, and options of its own. */
import { parseArgs } from 'node:util';
import { CalicoError } from '../errors/index.ts';
import { VERSION } from './version.ts';

export interface Program<Option extends string = never> {
  readonly name: string;
  /** Lines of what it does, and where its configuration comes from. */
  readonly about: string;
  /** Options that take a value. */
  readonly options: Readonly<
    Record<Option, { readonly short: string; readonly value: string; readonly about: string }>
  >;
}

export type CommandLine<Option extends string> =
  /** To be printed instead of running. */
  { readonly print: string } | { readonly options: Readonly<Partial<Record<Option, string>>> };

/** Reads what follows the program's name. E_USAGE for what the program does not know. */
export function commandLine<Option extends string>(
  program: Program<Option>,
  args: readonly string[],
): CommandLine<Option> {
  const own = Object.entries(program.options) as [Option, Program<Option>['options'][Option]][];
  const { help, version, ...options } = parse(program.name, args, {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
    ...Object.fromEntries(own.map(([name, { short }]) => [name, { type: 'string', short }])),
  });
  if (help) return { print: helpOf(program) };
  if (version) return { print: `${program.name} ${VERSION}\n` };
  return { options: options as Partial<Record<Option, string>> };
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;

function parse(name: string, args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    const message = (error as Error).message.replace(/\. .*$/s, '');
    throw new CalicoError('E_USAGE', name, message, { hint: `${name} --help lists the options` });
  }
}

function helpOf({ name, about, options }: Program<string>): string {
  const lines: [string, string][] = Object.entries(options).map(([long, { short, value, about }]) => [
    `-${short}, --${long} <${value}>`,
    about,
  ]);
  lines.push(['-v, --version', 'show the version'], ['-h, --help', 'show this help']);
  const width = Math.max(...lines.map(([left]) => left.length));
  const listed = lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return [`Usage: ${name} [options]`, '', about, '', 'Options:', ...listed, ''].join('\n');
}
