/** The service's part of Neutron's configuration. */
import { hostname } from 'node:os';
import type { DatastoreConfig } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import type { OsloConfig } from '../oslo-config.ts';
import { Region } from '../region.ts';
import { datastoreOf, regionOf } from '../settings.ts';
import { INTERFACE_LENGTH } from './endpoint.ts';
import type { Credentials } from './keystone.ts';

export interface Settings {
  readonly datastore: DatastoreConfig;
  readonly region: Region;
  /** A path: only who may open the file may speak to us. */
  readonly socket: string;
  readonly neutron: string;
  /** Null: Neutron asks nobody who we are. */
  readonly credentials: Credentials | null;
  /** Of Keystone, where projects have their names; null: nowhere. */
  readonly projects: Credentials | null;
  readonly resyncSeconds: number;
  readonly interfaceLength: number;
  /** Of this process among those that stand for election. */
  readonly name: string;
}

/** E_CONFIG. */
export function settingsOf(config: OsloConfig): Settings {
  const keystone = credentialsOf(config);
  const noauth = config.get('DEFAULT', 'auth_strategy') === 'noauth';
  if (!noauth && !keystone)
    throw new CalicoError('E_CONFIG', '[keystone_authtoken] auth_url', 'is not set', {
      hint: 'Neutron is asked for everything that it has: give the credentials that Neutron itself has',
    });
  return {
    datastore: datastoreOf(config),
    region: new Region(regionOf(config)),
    socket: config.get('calico', 'service_socket') || '/run/calico-openstack/service.sock',
    neutron: config.get('calico', 'neutron_url') || `http://127.0.0.1:${config.number('DEFAULT', 'bind_port', 9696)}`,
    credentials: noauth ? null : keystone,
    projects: keystone,
    resyncSeconds: config.number('calico', 'resync_interval_secs', 60),
    interfaceLength: config.number('calico', 'max_interface_name_length', INTERFACE_LENGTH),
    name: `${config.get('calico', 'elector_name') || hostname()}:${process.pid}`,
  };
}

function credentialsOf(config: OsloConfig): Credentials | null {
  const text = (name: string) => config.get('keystone_authtoken', name) ?? '';
  const url = text('auth_url') || text('www_authenticate_uri') || text('auth_uri');
  if (url === '') return null;
  return {
    url: `${url.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3`,
    username: text('username') || text('admin_user'),
    password: text('password') || text('admin_password'),
    project: text('project_name') || text('admin_tenant_name') || 'service',
    userDomain: text('user_domain_name') || text('user_domain_id') || 'Default',
    projectDomain: text('project_domain_name') || text('project_domain_id') || 'Default',
  };
}
