/** What an OpenStack deployment has in the datastore once, as upstream's driver makes it. */
import { randomUUID } from 'node:crypto';
import { resourceKey, type Store } from '../../datastore/index.ts';

const API_VERSION = 'projectcalico.org/v3';
const ATTEMPTS = 5;

type Spec = { [name: string]: unknown };
interface Stored {
  kind: string;
  apiVersion: string;
  metadata: object;
  spec: Spec;
}

/** Felixes report, and know the interfaces that Nova makes; the cluster says what it is. Whatever else is set stays. */
export async function ensureDeployment(store: Store): Promise<void> {
  await ensure(store, 'ClusterInformation', 'clusterinformations', (spec) => ({
    clusterGUID: randomUUID().replaceAll('-', ''),
    datastoreReady: true,
    ...spec,
    clusterType: withItem(spec.clusterType, 'openstack'),
  }));
  await ensure(store, 'FelixConfiguration', 'felixconfigurations', (spec) => ({
    ...spec,
    endpointReportingEnabled: true,
    interfacePrefix: withItem(spec.interfacePrefix, 'tap'),
  }));
}

async function ensure(store: Store, kind: string, plural: string, wanted: (spec: Spec) => Spec): Promise<void> {
  const key = resourceKey(plural, 'default');
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const present = await store.get(key);
    const before = present ? (JSON.parse(present.value) as Stored) : null;
    const spec = wanted(before?.spec ?? {});
    const resource = before ? { ...before, spec } : { kind, apiVersion: API_VERSION, metadata: newMetadata(), spec };
    const text = JSON.stringify(resource);
    // A part of a text that upstream's Go wrote may be in another order, but what is not changed comes back as it was.
    if (before && JSON.stringify(before) === text) return;
    const compares = [{ key, revision: present?.revision ?? null }];
    if ((await store.transact(compares, [{ key, value: text }])) !== null) return;
  }
}

function newMetadata() {
  const creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return { name: 'default', uid: randomUUID(), creationTimestamp };
}

/** The list, separated by commas, with the item in it. */
function withItem(list: unknown, item: string): string {
  const items = typeof list === 'string' && list !== '' ? list.split(',') : [];
  return items.includes(item) ? (list as string) : [...items, item].join(',');
}
