/**
 * Resources: their kinds, what people may write, and how they are stored. Pure.
 *
 * Programs that only follow a datastore need no schema and must not load any (test/unit/lazy-schemas.test.ts): they import
 * from the files themselves, for whatever this index exports comes with the whole of it where code is split.
 */
export { parseDuration } from './duration.ts';
export { parseJson, toJson } from './json.ts';
export type { KindInfo, Resource } from './kind.ts';
export { KIND_NAMES, type KindName } from './kind-names.ts';
export { KINDS, kindInfo, kindNames } from './kinds.ts';
export { nearMiss } from './near-miss.ts';
export { withoutOriginalName } from './original-name.ts';
export { fromStored, inStoredOrder, storedNameOf, toStored } from './stored.ts';
export { BUILT_IN_TIERS } from './tiers.ts';
export { InvalidResource, validate } from './validate.ts';
export { workloadEndpointName } from './workload-endpoint-name.ts';
