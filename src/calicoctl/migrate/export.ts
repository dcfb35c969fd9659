/** datastore migrate export: everything that moves to another datastore, as text. */
import { inStoredOrder, kindInfo, type Resource } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { json, listOf, shown, yaml } from '../output/structured.ts';
import { ipamSection } from './ipam-section.ts';
import { checkLocked } from './ready.ts';
import { SEPARATOR } from './sections.ts';

/**
 * In upstream v3.15's order. Profiles and workload endpoints stay behind: Kubernetes makes them anew. Kinds that v3.15
 * does not know stand where an import needs them, and are left out where there are none.
 */
const KINDS: readonly { readonly kind: string; readonly newer?: true }[] = [
  { kind: 'IPPool' },
  { kind: 'IPReservation', newer: true },
  { kind: 'BGPConfiguration' },
  { kind: 'BGPFilter', newer: true },
  { kind: 'BGPPeer' },
  { kind: 'FelixConfiguration' },
  { kind: 'Tier', newer: true },
  { kind: 'GlobalNetworkPolicy' },
  { kind: 'StagedGlobalNetworkPolicy', newer: true },
  { kind: 'GlobalNetworkSet' },
  { kind: 'HostEndpoint' },
  { kind: 'KubeControllersConfiguration', newer: true },
  { kind: 'NetworkPolicy' },
  { kind: 'StagedNetworkPolicy', newer: true },
  { kind: 'StagedKubernetesNetworkPolicy', newer: true },
  { kind: 'NetworkSet' },
  { kind: 'Node' },
];

/** A host's own configuration is named after it. */
const NODE_CONFIG = 'node.';

/** Gives the text to `out` part by part. E_NOT_LOCKED; E_INVALID for a node that Kubernetes does not know. */
export async function exportDatastore(client: Client, out: (text: string) => void): Promise<void> {
  await checkLocked(client, 'datastore migrate export');
  const names = newNames((await client.list('Node')).items);
  for (const { kind, newer } of KINDS) {
    if (!kindInfo(kind)) continue;
    const { items, revision } = await client.list(kind);
    const moved = items.filter(moves);
    if (newer && moved.length === 0) continue;
    out(
      `${yaml(
        listOf(
          kind,
          revision,
          moved.map((resource) => exported(resource, names)),
        ),
      )}---\n`,
    );
  }
  out(SEPARATOR);
  const cluster = await client.find('ClusterInformation', 'default');
  if (cluster) out(json(shown(cluster, false)));
  out(SEPARATOR);
  out(json(await ipamSection(client.store, names)));
}

/** Kubernetes has its own policies already. */
function moves({ kind, metadata }: Resource): boolean {
  return !(kind === 'NetworkPolicy' && metadata.name.startsWith('knp.default.'));
}

/** Without what belongs to this datastore. */
function exported(resource: Resource, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const { kind, apiVersion, metadata, ...parts } = inStoredOrder(resource);
  const { namespace, labels, annotations } = metadata;
  const name = nameElsewhere(resource, names);
  return { kind, apiVersion, metadata: { name, namespace, creationTimestamp: null, labels, annotations }, ...parts };
}

/** A node goes by its name in Kubernetes there, and so does its own configuration. */
function nameElsewhere({ kind, metadata: { name } }: Resource, names: ReadonlyMap<string, string>): string {
  if (kind === 'Node') {
    const other = names.get(name);
    if (other) return other;
    throw new CalicoError('E_INVALID', `Node ${name}`, "spec.orchRefs has no entry with orchestrator 'k8s'", {
      hint: 'only nodes of Kubernetes can move to a datastore of Kubernetes',
    });
  }
  const own = (kind === 'BGPConfiguration' || kind === 'FelixConfiguration') && name.startsWith(NODE_CONFIG);
  const other = own ? names.get(name.slice(NODE_CONFIG.length)) : undefined;
  return other ? `${NODE_CONFIG}${other}` : name;
}

/** By the name of a node: its name in Kubernetes. */
function newNames(nodes: readonly Resource[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { metadata, spec } of nodes) {
    const references = (spec?.orchRefs ?? []) as { nodeName?: string; orchestrator?: string }[];
    const name = references.findLast(({ orchestrator }) => orchestrator === 'k8s')?.nodeName;
    if (name) names.set(metadata.name, name);
  }
  return names;
}
