import { CalicoError } from '../errors/index.ts';
import { contradictions } from './contradictions.ts';
import { parseClientEnvironment, parseEnvironment } from './environment.ts';
import { parseFelixCfg } from './felix-cfg.ts';
import type { Parameter } from './parameter.ts';
import { type FelixConfig, PARAMETERS } from './parameters.ts';

export interface ConfigSources {
  readonly environment: Readonly<Record<string, string>>;
  /** The text of /etc/calico/felix.cfg; empty when there is none. */
  readonly file: string;
  /** The parameters of FelixConfiguration `node.<hostname>`. */
  readonly node: Readonly<Record<string, string>>;
  /** The parameters of FelixConfiguration `default`. */
  readonly global: Readonly<Record<string, string>>;
}

export interface ConfigProblem {
  /** The parameter, or `felix.cfg`. */
  readonly subject: string;
  readonly message: string;
  /** Felix cannot start with it. Otherwise it starts with the parameter's default. */
  readonly fatal: boolean;
}

/** Raw values of one source, by names in lower case. */
interface Source {
  readonly name: string;
  readonly isLocal: boolean;
  readonly values: ReadonlyMap<string, string>;
}

/**
 * The configuration in force: of the sources that set a parameter the first wins, in the order environment, file,
 * per-host FelixConfiguration, global one. An empty value is as if unset.
 *
 * `exists` says whether a file is there, for the parameters that ask for it.
 */
export function resolveConfig(
  sources: ConfigSources,
  hostname: string,
  exists: (path: string) => boolean = () => true,
): { config: FelixConfig; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const ordered: Source[] = [
    source('environment', true, parseEnvironment(sources.environment)),
    source('environment', true, parseClientEnvironment(sources.environment)),
    source('felix.cfg', true, readFile(sources.file, problems)),
    source(`FelixConfiguration node.${hostname}`, false, sources.node),
    source('FelixConfiguration default', false, sources.global),
    source('host', true, { felixHostname: hostname }),
  ];
  const entries = Object.entries<Parameter>(PARAMETERS);
  const values = entries.map(([name, parameter]) => {
    return [name, resolveParameter(name, parameter, ordered, exists, problems)];
  });
  const given = entries.filter(([name, parameter]) => chosenSource(name, parameter, ordered)).map(([name]) => name);
  const config = { ...Object.fromEntries(values), given } as unknown as FelixConfig;
  problems.push(...unknownNames(ordered), ...contradictions(config));
  return { config, problems };
}

function source(name: string, isLocal: boolean, values: Readonly<Record<string, string>>): Source {
  const entries = Object.entries(values).filter(([, value]) => value !== '');
  return { name, isLocal, values: new Map(entries.map(([key, value]) => [key.toLowerCase(), value])) };
}

function readFile(text: string, problems: ConfigProblem[]): Record<string, string> {
  try {
    return parseFelixCfg(text);
  } catch (error) {
    if (!(error instanceof CalicoError)) throw error;
    problems.push({ subject: error.subject, message: error.message, fatal: true });
    return {};
  }
}

function resolveParameter(
  name: string,
  parameter: Parameter,
  sources: readonly Source[],
  exists: (path: string) => boolean,
  problems: ConfigProblem[],
): unknown {
  const { type, flags } = parameter;
  const chosen = chosenSource(name, parameter, sources);
  if (!chosen) return defaultOf(parameter);
  const raw = chosen.values.get(name.toLowerCase()) as string;
  const refuse = (message: string, fatal: boolean) => {
    problems.push({ subject: name, message: `"${raw}" from the ${chosen.name}: ${message}`, fatal });
    return defaultOf(parameter);
  };
  if (raw.toLowerCase() === 'none') {
    return parameter.allowsNone ? type.zero : refuse('the parameter needs a value', true);
  }
  const value = type.parse(raw);
  if (value === undefined) return refuse(`expected ${type.expected}`, flags.has('fatal'));
  if (flags.has('must exist') && !exists(raw)) return refuse('no such file', flags.has('fatal'));
  return value;
}

/** The first that sets the parameter. */
function chosenSource(name: string, { flags }: Parameter, sources: readonly Source[]): Source | undefined {
  const key = name.toLowerCase();
  return sources.find(({ isLocal, values }) => values.has(key) && (isLocal || !flags.has('local')));
}

function defaultOf({ type, default: raw }: Parameter): unknown {
  return raw === '' ? type.zero : type.parse(raw);
}

function unknownNames(sources: readonly Source[]): ConfigProblem[] {
  const known = new Set(Object.keys(PARAMETERS).map((name) => name.toLowerCase()));
  return sources.flatMap(({ name, values }) =>
    [...values.keys()]
      .filter((key) => !known.has(key))
      .map((key) => ({ subject: key, message: `no such parameter, from the ${name}`, fatal: false })),
  );
}
