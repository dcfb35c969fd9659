/** What writing a resource checks or changes beside it, as upstream's client does. */
import type { Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, contains, parseCidr } from '../net/index.ts';
import type { Client } from './client.ts';

/** Called with a valid resource before it is written; `current` is what it replaces. Throws E_INVALID. */
export async function beforeWrite(client: Client, resource: Resource, current: Resource | null): Promise<void> {
  if (resource.kind === 'Node' && !current) await ensureClusterInformation(client);
  if (resource.kind === 'IPPool') {
    if (current) checkUnchanged(resource, current);
    else await checkOverlap(client, resource);
    await enableEncapsulation(client, resource);
  }
}

/** A node takes its workloads' endpoints along. */
export async function beforeDelete(client: Client, kind: string, name: string): Promise<void> {
  if (kind !== 'Node') return;
  const { items } = await client.list('WorkloadEndpoint');
  for (const { metadata, spec } of items) {
    if (spec?.node !== name) continue;
    await tolerate('E_NOT_FOUND', client.delete('WorkloadEndpoint', metadata.name, metadata.namespace));
  }
}

/** A cluster of hosts alone has nobody to initialise it but whoever creates its first node. */
async function ensureClusterInformation(client: Client): Promise<void> {
  if (await client.find('ClusterInformation', 'default')) return;
  const spec = { clusterGUID: client.newUuid().replaceAll('-', ''), datastoreReady: true };
  await tolerate('E_EXISTS', client.create(singleton('ClusterInformation', spec)));
}

/** A pool with an encapsulation turns it on, unless it has been turned off on purpose. */
async function enableEncapsulation(client: Client, pool: Resource): Promise<void> {
  const field = isOn(pool.spec?.ipipMode) ? 'ipipEnabled' : isOn(pool.spec?.vxlanMode) ? 'vxlanEnabled' : null;
  if (!field) return;
  const current = await client.find('FelixConfiguration', 'default');
  if (!current) {
    await tolerate('E_EXISTS', client.create(singleton('FelixConfiguration', { [field]: true })));
  } else if (current.spec?.[field] === undefined) {
    await client.update({ ...current, spec: { ...current.spec, [field]: true } });
  }
}

async function checkOverlap(client: Client, pool: Resource): Promise<void> {
  const own = cidrOf(pool);
  for (const other of (await client.list('IPPool')).items) {
    const theirs = cidrOf(other);
    if (!own || !theirs || !(contains(own, theirs) || contains(theirs, own))) continue;
    throw invalid(pool, 'spec.cidr', `${own} overlaps ${theirs} of the IPPool ${other.metadata.name}`);
  }
}

function checkUnchanged(pool: Resource, current: Resource): void {
  for (const field of ['cidr', 'blockSize']) {
    if (pool.spec?.[field] === current.spec?.[field]) continue;
    throw invalid(pool, `spec.${field}`, `cannot be changed: it is ${current.spec?.[field]}`);
  }
}

function isOn(mode: unknown): boolean {
  return mode === 'Always' || mode === 'CrossSubnet';
}

function cidrOf(pool: Resource): Cidr | null {
  return parseCidr(String(pool.spec?.cidr));
}

function singleton(kind: string, spec: Record<string, unknown>): Resource {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name: 'default' }, spec };
}

function invalid(pool: Resource, field: string, message: string): CalicoError {
  return new CalicoError('E_INVALID', `IPPool ${pool.metadata.name}`, `${field} ${message}`);
}

/** Somebody else may have done the same just now. */
async function tolerate(code: string, promise: Promise<unknown>): Promise<void> {
  await promise.catch((error) => {
    if (!(error instanceof CalicoError && error.code === code)) throw error;
  });
}
