/** From settings to a connected datastore. Loads gRPC only when it is called: `calicoctl --help` must not. */
import { readFile } from 'node:fs/promises';
import { CalicoError } from '../errors/index.ts';
import { Client } from './client.ts';
import { type DatastoreConfig, DEFAULT_MANIFESTS } from './config.ts';
import type { EtcdOptions } from './etcd/options.ts';
import type { Store } from './store.ts';

/** Told what is not in order, in words for people. */
type Log = (message: string, fields: Readonly<Record<string, unknown>>) => void;

/** A client. The datastore is first asked at the first request. E_CONFIG, E_FILE. */
export async function connect(config: DatastoreConfig, log?: Log): Promise<Client> {
  return new Client(await openStore(config, log));
}

export async function openStore(config: DatastoreConfig, log: Log = () => {}): Promise<Store> {
  if (config.datastoreType === 'files') {
    const { FilesStore } = await import('./files/store.ts');
    return new FilesStore(config.manifests || DEFAULT_MANIFESTS, log);
  }
  if (config.datastoreType !== 'etcdv3') {
    throw new CalicoError('E_CONFIG', 'datastoreType', `is no datastore that is known: '${config.datastoreType}'`, {
      hint: 'DATASTORE_TYPE is etcdv3 or files',
    });
  }
  const options = await etcdOptions(config);
  const { EtcdStore } = await import('./etcd/store.ts');
  return new EtcdStore(options);
}

async function etcdOptions(config: DatastoreConfig): Promise<EtcdOptions> {
  if (config.etcdDiscoverySrv) {
    throw new CalicoError('E_CONFIG', 'etcdDiscoverySrv', 'is not supported', {
      hint: 'name the endpoints (ETCD_ENDPOINTS)',
    });
  }
  const endpoints = config.etcdEndpoints
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (endpoints.length === 0) {
    throw new CalicoError('E_CONFIG', 'etcdEndpoints', 'is not set', {
      hint: 'set ETCD_ENDPOINTS=http://host:2379, or etcdEndpoints in the configuration file',
    });
  }
  const ca = config.etcdCACert || (await pem(config.etcdCACertFile));
  const cert = config.etcdCert || (await pem(config.etcdCertFile));
  const key = config.etcdKey || (await pem(config.etcdKeyFile));
  const { etcdUsername: username, etcdPassword: password } = config;
  return { endpoints, ...given({ ca, cert, key, username, password }) };
}

async function pem(file: string): Promise<string> {
  if (!file) return '';
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'cannot be read', { hint: (cause as Error).message, cause });
  }
}

/** Without what is empty. */
function given<T extends Record<string, string>>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) as Partial<T>;
}
