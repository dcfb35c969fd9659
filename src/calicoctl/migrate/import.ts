/** datastore migrate import: what an export wrote, into a datastore of Kubernetes that holds nothing of Calico's yet. */
import { parseJson, type Resource, validate } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { forEach, summary } from '../outcome.ts';
import { parseObjects } from '../yaml-objects.ts';
import { hasIpam, writeIpamSection } from './ipam-section.ts';
import { setReady } from './ready.ts';
import { type IpamSection, splitSections } from './sections.ts';

/** What Kubernetes has of its own, or Calico makes as it starts there. */
const MAY_EXIST = new Set(['Node', 'Profile', 'WorkloadEndpoint', 'Tier', 'KubeControllersConfiguration']);

/** `text` is what the file holds. The datastore stays locked. E_FILE, E_INVALID, E_EXISTS. */
export async function importDatastore(
  client: Client,
  text: string,
  file: string,
  out: (text: string) => void,
): Promise<void> {
  const sections = splitSections(text, file);
  const resources = parseObjects(sections.resources, file).map((object) => validate(object));
  const cluster = sections.cluster.trim() === '' ? null : (jsonOf(sections.cluster, file) as Resource);
  const ipam = jsonOf(sections.ipam, file) as IpamSection;
  await checkEmpty(client, resources);
  await setReady(client, false);
  const outcome = await forEach(resources, (resource) => applyOne(client, resource, out));
  out(summary(outcome, 'applied'));
  if (outcome.errors.length > 0) throw new AggregateError(outcome.errors);
  if (cluster) await keepIdentity(client, cluster);
  out('Importing IPAM resources\n');
  out(`Successfully applied ${await writeIpamSection(client.store, ipam)} IPAM resource(s)\n`);
  out('The datastore is imported, and locked still: calicoctl datastore migrate unlock puts it in force\n');
}

function jsonOf(section: string, file: string): unknown {
  try {
    return parseJson(section);
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'is not JSON after a line of ===', { hint: 'export again', cause });
  }
}

async function checkEmpty(client: Client, resources: readonly Resource[]): Promise<void> {
  const kinds = new Set(resources.map(({ kind }) => kind));
  for (const kind of kinds) {
    if (MAY_EXIST.has(kind)) continue;
    const [found] = (await client.list(kind)).items.filter(({ metadata }) => !metadata.name.startsWith('knp.'));
    if (found) throw new CalicoError('E_EXISTS', `${kind} ${found.metadata.name}`, ...notEmpty(kind));
  }
  if (await hasIpam(client.store)) throw new CalicoError('E_EXISTS', 'IPAM', ...notEmpty('address'));
}

function notEmpty(what: string): [string, { hint: string }] {
  return ['the datastore to import to has resources already', { hint: `delete every ${what} in it first` }];
}

/** Nodes are those of Kubernetes: one that it does not have is left out. */
async function applyOne(client: Client, resource: Resource, out: (text: string) => void): Promise<void> {
  const { kind, metadata } = resource;
  const current = await client.find(kind, metadata.name, metadata.namespace);
  if (current) await client.update(resource);
  else if (kind === 'Node') out(`Warning: node ${metadata.name} is not in Kubernetes: it is left out\n`);
  else
    await client.create(resource).catch((error) => {
      const builtIn = kind === 'Tier' && error instanceof CalicoError && error.code === 'E_EXISTS';
      if (!builtIn) throw error;
    });
}

/** The cluster stays the same one. */
async function keepIdentity(client: Client, { spec }: Resource): Promise<void> {
  const current = await client.get('ClusterInformation', 'default');
  const { clusterGUID, calicoVersion } = spec ?? {};
  await client.update({
    ...current,
    spec: { ...current.spec, clusterGUID, ...(calicoVersion !== undefined && { calicoVersion }) },
  });
}
