/** The lab's resources. Pure. */
import type { Resource } from '../api/index.ts';
import { workloadEndpointName } from '../api/index.ts';
import { type Cidr, cidrOf, type Ip } from '../net/index.ts';
import { type Plan, type PlannedWorkload, UNDERLAY } from './plan.ts';
import type { Topology } from './topology.ts';

const ORCHESTRATOR = 'lab';
const ENDPOINT = 'eth0';
/** Allows everything: a workload without a policy is as open as people expect of a first try. */
const PROFILE = 'lab';

/** In an order in which they can be created. */
export function clusterResources(topology: Topology, plan: Plan): Resource[] {
  const allow = [{ action: 'Allow' }];
  return [
    ...plan.hosts.map(({ name, ipv4, ipv6 }, index) =>
      resource(
        'Node',
        name,
        {
          bgp: { ipv4Address: `${ipv4}/${UNDERLAY[4].length}`, ipv6Address: `${ipv6}/${UNDERLAY[6].length}` },
        },
        { ...topology.hosts[index]?.labels },
      ),
    ),
    ...topology.pools.map(({ cidr, ...rest }, index) => resource('IPPool', `pool-${index + 1}`, { cidr, ...rest })),
    resource('BGPConfiguration', 'default', { asNumber: topology.asNumber, nodeToNodeMeshEnabled: true }),
    resource('Profile', PROFILE, { ingress: allow, egress: allow }),
    ...peerings(topology, plan),
  ];
}

function peerings(topology: Topology, plan: Plan): Resource[] {
  const { router } = topology;
  if (!router || !plan.router) return [];
  const addresses = [plan.router.ipv4, plan.router.ipv6];
  return router.peers.flatMap((node) =>
    addresses.map((peerIP, index) =>
      resource('BGPPeer', `${router.name}-${node}-${index === 0 ? 'ipv4' : 'ipv6'}`, {
        node,
        peerIP,
        asNumber: router.asNumber,
      }),
    ),
  );
}

export function workloadResource(workload: PlannedWorkload, addresses: readonly Ip[]): Resource {
  const ids = { node: workload.host, orchestrator: ORCHESTRATOR, endpoint: ENDPOINT };
  const spec = {
    ...ids,
    workload: workload.name,
    interfaceName: workload.interfaceName,
    mac: workload.mac,
    ipNetworks: addresses.map((address): Cidr => cidrOf(address)),
    profiles: [PROFILE],
  };
  const { name } = workloadEndpointName({ ...ids, workload: workload.name });
  return resource('WorkloadEndpoint', name as string, spec, workload.labels, 'default');
}

/** The IPAM handle of a workload's addresses. */
export function handleOf(workload: PlannedWorkload): string {
  return `${ORCHESTRATOR}.${workload.name}`;
}

function resource(
  kind: string,
  name: string,
  spec: Record<string, unknown>,
  labels: Record<string, string> = {},
  namespace?: string,
): Resource {
  const metadata = { name, ...(namespace && { namespace }), ...(Object.keys(labels).length > 0 && { labels }) };
  return { apiVersion: 'projectcalico.org/v3', kind, metadata, spec } as Resource;
}
