/** A command's connection to the datastore. */
import { readFile } from 'node:fs/promises';
import { type Client, configFromEnvironment, configFromFile, type DatastoreConfig } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { type Io, pathIn } from './io.ts';

export const DEFAULT_CONFIG = '/etc/calico/calicoctl.cfg';

/** Runs `work` with a client of the datastore that the options, the configuration file or the environment name. */
export async function withClient<T>(
  io: Io,
  configFile: string | undefined,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await io.connect(await datastoreConfig(io, configFile));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

export async function datastoreConfig(io: Io, configFile: string | undefined): Promise<DatastoreConfig> {
  const file = await configText(io, configFile);
  return file === undefined ? configFromEnvironment(io.env) : configFromFile(file);
}

/** The configuration file's text; undefined when there is none where it need not be. */
async function configText(io: Io, file: string | undefined): Promise<string | undefined> {
  try {
    return await readFile(pathIn(io, file ?? DEFAULT_CONFIG), 'utf8');
  } catch (cause) {
    if (file === undefined || file === DEFAULT_CONFIG) return undefined;
    throw new CalicoError('E_FILE', file, 'the configuration file cannot be read', {
      hint: (cause as Error).message,
      cause,
    });
  }
}
