import { configFromEnvironment, type DatastoreConfig } from '../datastore/config.ts';
import type { FelixConfig } from './parameters.ts';

/** How Felix reaches its datastore: its own parameters; user, password and what else they do not say from the environment. */
export function datastoreConfig(config: FelixConfig, environment: Readonly<Record<string, string>>): DatastoreConfig {
  const { etcdEndpoints, etcdScheme, etcdAddr } = config;
  return {
    ...configFromEnvironment(environment),
    datastoreType: config.datastoreType,
    etcdEndpoints: etcdEndpoints.length > 0 ? etcdEndpoints.join(',') : `${etcdScheme || 'http'}://${etcdAddr}`,
    etcdKeyFile: config.etcdKeyFile,
    etcdCertFile: config.etcdCertFile,
    etcdCACertFile: config.etcdCaFile,
  };
}
