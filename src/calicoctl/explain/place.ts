/** What people name as the source or destination of a packet: a workload, a node, or an address. */
import { CalicoError } from '../../errors/index.ts';
import { idText, type Node, type Update, type WorkloadEndpoint } from '../../model/index.ts';
import { addressOf, contains, type Family, familyOf, type Ip, parseIp } from '../../net/index.ts';

export interface Place {
  /** For people: `default/web`, `node host1`, or the address itself. */
  readonly text: string;
  readonly addresses: readonly Ip[];
  /** The host that it is on, or is; absent: outside the cluster. */
  readonly node?: string;
  readonly workload?: WorkloadEndpoint;
}

/** The place of that name. Throws E_NOT_FOUND, or E_USAGE when several workloads have it. */
export function findPlace(name: string, updates: readonly Update[]): Place {
  const workloads = values<WorkloadEndpoint>(updates, 'WorkloadEndpoint');
  const nodes = values<Node>(updates, 'Node');
  const address = parseIp(name);
  if (address) return placeOfAddress(address, workloads, nodes);
  const found = workloads.filter((workload) => namesOf(workload).includes(name));
  if (found.length > 1)
    throw new CalicoError('E_USAGE', name, `${found.length} workloads have this name`, {
      hint: `say which: ${found.map((w) => `${w.id.namespace}/${w.id.name}`).join(', ')}`,
    });
  if (found[0]) return placeOfWorkload(found[0]);
  const node = nodes.find((candidate) => candidate.id.name === name);
  if (node) return placeOfNode(node);
  throw new CalicoError('E_NOT_FOUND', name, 'no workload, node or IP address', {
    hint: 'a workload by its name (calicoctl get workloadendpoints --all-namespaces), a node, or an address',
  });
}

/** The place's address of that family. Throws E_USAGE when it has none. */
export function addressIn(place: Place, family: Family): Ip {
  const address = place.addresses.find((candidate) => familyOf(candidate) === family);
  if (!address) {
    throw new CalicoError('E_USAGE', place.text, `has no IPv${family} address`, {
      hint: 'name both places by addresses of one family',
    });
  }
  return address;
}

function namesOf({ id, workload }: WorkloadEndpoint): string[] {
  const names = [id.name, workload, workload.slice(workload.indexOf('/') + 1)];
  return [...names, ...names.map((name) => `${id.namespace}/${name}`)];
}

function placeOfWorkload(workload: WorkloadEndpoint): Place {
  return {
    text: `${workload.id.namespace}/${workload.workload || workload.id.name}`,
    addresses: workload.nets.map(addressOf),
    node: workload.node,
    workload,
  };
}

function placeOfNode(node: Node): Place {
  const addresses = [node.ipv4, node.ipv6].filter((address): address is Ip => address !== undefined);
  return { text: idText(node.id), addresses, node: node.id.name };
}

function placeOfAddress(address: Ip, workloads: readonly WorkloadEndpoint[], nodes: readonly Node[]): Place {
  const workload =
    workloads.find(({ nets }) => nets.some((net) => contains(net, address))) ??
    workloads.find(({ nats }) => nats.some(({ external }) => external === address));
  if (workload) return { ...placeOfWorkload(workload), addresses: [address] };
  const node = nodes.find(({ ipv4, ipv6 }) => ipv4 === address || ipv6 === address);
  return node ? placeOfNode(node) : { text: address, addresses: [address] };
}

function values<T>(updates: readonly Update[], kind: Update['id']['kind']): T[] {
  return updates
    .filter((update) => update.id.kind === kind && update.value !== null)
    .map((update) => update.value as T);
}
