/** What writing a resource checks or changes beside it, as upstream's client does. */
import { BUILT_IN_TIERS, KIND_NAMES, type Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { Client } from './client.ts';
import { beforePoolWrite } from './pool-effects.ts';

/** Called with a valid resource before it is written; `current` is what it replaces. Throws E_INVALID. */
export async function beforeWrite(client: Client, resource: Resource, current: Resource | null): Promise<void> {
  const { kind, metadata, spec = {} } = resource;
  if (kind === 'Node' && !current) await ensureClusterInformation(client);
  if (kind === 'IPPool') await beforePoolWrite(client, resource, current);
  if (kind === 'BGPPeer') await checkFilters(client, resource);
  if (!current && KIND_NAMES[kind]?.newer) await initialise(client);
  if (isPolicy(kind) && spec.tier !== undefined && !BUILT_IN_TIERS[String(spec.tier)])
    await checkTier(client, resource);
  if (kind === 'Tier' && !current && BUILT_IN_TIERS[metadata.name])
    throw new CalicoError('E_EXISTS', `Tier ${metadata.name}`, 'exists already: it is built in');
}

/** Called before the resource is deleted. Throws E_INVALID where it may not be. */
export async function beforeDelete(client: Client, { kind, metadata: { name } }: Resource): Promise<void> {
  if (kind === 'Tier') await checkTierUnused(client, name);
  if (kind === 'Node') await deleteWithNode(client, name);
}

/** A cluster of hosts alone has nobody to initialise it but whoever creates its first node. */
async function ensureClusterInformation(client: Client): Promise<void> {
  const spec = { clusterGUID: client.newUuid().replaceAll('-', ''), datastoreReady: true };
  await ensure(client, 'ClusterInformation', 'default', spec);
}

/** Newer versions expect this of a datastore: they write it at every start. */
async function initialise(client: Client): Promise<void> {
  await ensureClusterInformation(client);
  for (const [name, spec] of Object.entries(BUILT_IN_TIERS)) await ensure(client, 'Tier', name, { ...spec }, {});
}

async function ensure(
  client: Client,
  kind: string,
  name: string,
  spec: Resource['spec'] & {},
  status?: object,
): Promise<void> {
  if (await client.find(kind, name)) return;
  const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec, ...(status && { status }) };
  await tolerate('E_EXISTS', client.insert(resource as Resource));
}

/** A node takes along its workloads' endpoints, and its own BGP peers. */
async function deleteWithNode(client: Client, name: string): Promise<void> {
  for (const kind of ['WorkloadEndpoint', 'BGPPeer'])
    for (const { metadata, spec } of (await client.list(kind)).items)
      if (spec?.node === name) await tolerate('E_NOT_FOUND', client.delete(kind, metadata.name, metadata.namespace));
}

async function checkFilters(client: Client, peer: Resource): Promise<void> {
  const missing: string[] = [];
  for (const filter of (peer.spec?.filters ?? []) as string[])
    if (!(await client.find('BGPFilter', filter))) missing.push(filter);
  if (missing.length > 0) throw invalid(peer, 'spec.filters', `no BGPFilter ${missing.join(', ')} exists`);
}

async function checkTier(client: Client, policy: Resource): Promise<void> {
  const tier = String(policy.spec?.tier);
  if (await client.find('Tier', tier)) return;
  throw invalid(policy, 'spec.tier', `no Tier ${tier} exists`);
}

const POLICIES = ['NetworkPolicy', 'GlobalNetworkPolicy', 'StagedNetworkPolicy', 'StagedGlobalNetworkPolicy'];

function isPolicy(kind: string): boolean {
  return POLICIES.includes(kind);
}

async function checkTierUnused(client: Client, tier: string): Promise<void> {
  const subject = `Tier ${tier}`;
  if (BUILT_IN_TIERS[tier]) throw new CalicoError('E_INVALID', subject, 'is built in, it cannot be deleted');
  for (const kind of POLICIES) {
    const user = (await client.list(kind)).items.find(({ spec }) => spec?.tier === tier);
    if (user) throw new CalicoError('E_INVALID', subject, `is not empty: ${kind} ${user.metadata.name} is in it`);
  }
}

function invalid({ kind, metadata }: Resource, field: string, message: string): CalicoError {
  return new CalicoError('E_INVALID', `${kind} ${metadata.name}`, `${field}: ${message}`);
}

/** Somebody else may have done the same just now. */
async function tolerate(code: string, promise: Promise<unknown>): Promise<void> {
  await promise.catch((error) => {
    if (!(error instanceof CalicoError && error.code === code)) throw error;
  });
}
