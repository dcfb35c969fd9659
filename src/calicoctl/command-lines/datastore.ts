/** The command lines of datastore migrate. */
import type { Command } from 'commander';
import { CalicoError } from '../../errors/index.ts';
import type { Io } from '../io.ts';
import { datastoreConfig, withClient } from '../session.ts';
import { group } from './group.ts';
import { connected } from './options.ts';

interface Options {
  readonly config?: string;
}

interface ImportOptions extends Options {
  readonly filename: string;
}

export function addDatastore(program: Command, io: Io): void {
  const datastore = group(program, 'datastore').description("management of Calico's datastore");
  const migrate = group(datastore, 'migrate', 'calicoctl datastore migrate').description(
    'move what a datastore of etcd holds to one of Kubernetes',
  );
  connected(migrate.command('export'))
    .description('write everything that moves to standard output')
    .action((options: Options) => exportAll(io, options));
  connected(migrate.command('import'))
    .description('take what an export wrote into a datastore of Kubernetes')
    .requiredOption('-f, --filename <file>', 'what the export wrote, or - for standard input')
    .action((options: ImportOptions) => importAll(io, options));
  connected(migrate.command('lock'))
    .description('nothing more is taken from the datastore until it is unlocked')
    .action((options: Options) => setReady(io, options, false));
  connected(migrate.command('unlock'))
    .description('what the datastore holds is in force again')
    .action((options: Options) => setReady(io, options, true));
}

async function exportAll(io: Io, { config }: Options): Promise<void> {
  await checkType(io, config, 'etcdv3');
  const { exportDatastore } = await import('../migrate/export.ts');
  await withClient(io, config, (client) => exportDatastore(client, io.out));
}

async function importAll(io: Io, { config, filename }: ImportOptions): Promise<void> {
  await checkType(io, config, 'kubernetes');
  const [{ readText }, { importDatastore }] = await Promise.all([
    import('../documents.ts'),
    import('../migrate/import.ts'),
  ]);
  const text = await readText(io, filename);
  await withClient(io, config, (client) => importDatastore(client, text, filename, io.out));
}

async function checkType(io: Io, config: string | undefined, wanted: string): Promise<void> {
  const { datastoreType } = await datastoreConfig(io, config);
  if (datastoreType === wanted) return;
  const what = wanted === 'etcdv3' ? 'an export is of' : 'an import goes into';
  throw new CalicoError('E_CONFIG', 'datastoreType', `${what} a datastore ${wanted}, not ${datastoreType}`, {
    hint: `DATASTORE_TYPE=${wanted}`,
  });
}

async function setReady(io: Io, { config }: Options, ready: boolean): Promise<void> {
  const migrate = await import('../migrate/ready.ts');
  await withClient(io, config, (client) => migrate.setReady(client, ready));
  io.out(`Datastore ${ready ? 'unlocked' : 'locked'}.\n`);
}
