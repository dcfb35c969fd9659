/** Whether the datastore may be used, as ClusterInformation says. */
import { resourceKey } from './keys.ts';

/** Where it is written. */
export const READINESS = resourceKey('clusterinformations', 'default');

/** `uninitialised`: nobody has said anything yet. `not ready`: an upgrade, a migration or a restore is under way. */
export type Readiness = 'ready' | 'not ready' | 'uninitialised';

/** What a stored ClusterInformation says; null where there is none. */
export function readinessOf(stored: string | null): Readiness {
  if (stored === null) return 'uninitialised';
  try {
    return JSON.parse(stored).spec?.datastoreReady === false ? 'not ready' : 'ready';
  } catch {
    return 'not ready';
  }
}
