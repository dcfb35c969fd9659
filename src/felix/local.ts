/** What Felix knows before it has asked the datastore: environment, /etc/calico/felix.cfg, the host's name. */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type ConfigProblem, type FelixConfig, resolveConfig } from '../config/index.ts';
import { CalicoError } from '../errors/index.ts';

/** Need not be there. */
const FILE = '/etc/calico/felix.cfg';

type Parameters = Readonly<Record<string, string>>;

export class LocalConfig {
  readonly environment: Parameters;
  readonly #file: string;

  /** `file`: in felix.cfg's place. E_FILE when it cannot be read, or felix.cfg is there and cannot. */
  constructor(environment: Readonly<Record<string, string | undefined>>, file?: string) {
    const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
    this.environment = Object.fromEntries(set);
    this.#file = file !== undefined || existsSync(FILE) ? readFile(file ?? FILE) : '';
  }

  /** The configuration in force with these parameters from the datastore. */
  resolve(datastore: { global: Parameters; node: Parameters } = { global: {}, node: {} }): {
    config: FelixConfig;
    problems: ConfigProblem[];
  } {
    const sources = { environment: this.environment, file: this.#file, ...datastore };
    return resolveConfig(sources, hostname().toLowerCase(), existsSync);
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CalicoError('E_FILE', path, 'cannot be read', { hint: (cause as Error).message, cause });
  }
}
