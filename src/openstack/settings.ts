/** What our programs take from Neutron's configuration: upstream's options, under upstream's names. */
import { type DatastoreConfig, DEFAULT_DATASTORE_CONFIG } from '../datastore/index.ts';
import type { OsloConfig } from './oslo-config.ts';

const CALICO = 'calico';

/** etcd, as `[calico]` has it. */
export function datastoreOf(config: OsloConfig): DatastoreConfig {
  const text = (name: string) => config.get(CALICO, name) ?? '';
  const files = { etcdKeyFile: text('etcd_key_file'), etcdCertFile: text('etcd_cert_file') };
  const etcdCACertFile = text('etcd_ca_cert_file');
  const scheme = text('etcd_scheme') || (etcdCACertFile || files.etcdCertFile ? 'https' : 'http');
  const host = text('etcd_host') || '127.0.0.1';
  const port = config.number(CALICO, 'etcd_port', 4001);
  return {
    ...DEFAULT_DATASTORE_CONFIG,
    etcdEndpoints: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ...files,
    etcdCACertFile,
    etcdUsername: text('etcd_username'),
    etcdPassword: text('etcd_password'),
  };
}

/** The region's name; empty where there are no regions. */
export function regionOf(config: OsloConfig): string {
  return config.get(CALICO, 'openstack_region') ?? '';
}
