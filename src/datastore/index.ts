/** The datastore: resources, the syncer that follows them, and the key-value store below. */
export { Client, type ClientOptions, type ResourceList } from './client.ts';
export { configFromEnvironment, DEFAULT_DATASTORE_CONFIG, type DatastoreConfig, environmentOf } from './config.ts';
export { configFromFile } from './config-file.ts';
export { connect, openStore } from './connect.ts';
export { decode, idOf } from './decode/index.ts';
export { type EndpointReport, FelixStatusKeys, type HostReport } from './felix-status.ts';
export { IPAM_BLOCKS, RESOURCES, resourceKey } from './keys.ts';
export { MemoryStore } from './memory/store.ts';
export { loadSnapshot } from './snapshot.ts';
export * from './store.ts';
export { Syncer, type SyncerOptions } from './syncer.ts';
