/**
 * The vocabulary of the syncer: what changed in the datastore, decoded once.
 *
 * calc knows nothing else. Converting v3 resources to it is a pure function beside the datastore
 * (src/datastore/decode/); upstream's two syncer vocabularies are codecs at the edge.
 */
export * from './bgp.ts';
export * from './endpoint.ts';
export * from './id.ts';
export * from './policy.ts';
export * from './qos.ts';
export * from './settings.ts';
export * from './update.ts';
