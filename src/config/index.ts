/** Felix's configuration: its parameters as data, and what is in force of what the environment, felix.cfg and the datastore say. */
export { datastoreConfig } from './datastore.ts';
export type { FelixConfig } from './parameters.ts';
export { type ConfigProblem, type ConfigSources, resolveConfig } from './resolve.ts';
export { encapsulationConfig, rulesConfig } from './rules-config.ts';
