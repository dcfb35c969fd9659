/** Of the datastore, and of what calc makes of it for this host. */
import type { Kind } from '../../model/index.ts';
import type { Observed } from '../observed.ts';
import { byLabel, counter, gauge, type Metric, summary } from './metric.ts';

export function clusterMetrics(observed: Observed): Metric[] {
  const { graph, calc } = observed;
  const active = () => graph.sizes.active;
  const stored = (...kinds: Kind[]) => kinds.reduce((sum, kind) => sum + graph.sizes.resources(kind), 0);
  return [
    gauge(
      'felix_active_local_endpoints',
      'Workload and host endpoints of this host.',
      () => active().workloads + active().hostEndpoints,
    ),
    gauge('felix_active_local_policies', 'Policies that apply on this host.', () => active().policies),
    gauge(
      'felix_active_local_selectors',
      'Selectors and named ports in rules that apply here: one IP set each.',
      () => active().sets,
    ),
    counter('felix_calc_graph_output_events', 'Updates that calc told the dataplane.', () => calc.outputs),
    summary(
      'felix_calc_graph_update_time_seconds',
      'Time to take in one batch of updates from the datastore.',
      calc.seconds,
    ),
    counter('felix_calc_graph_updates_processed', 'Updates from the datastore, by kind of resource.', () =>
      byLabel('type', calc.updates),
    ),
    gauge('felix_cluster_num_host_endpoints', 'Host endpoints in the datastore.', () => stored('HostEndpoint')),
    gauge('felix_cluster_num_hosts', 'Nodes in the datastore.', () => stored('Node')),
    gauge('felix_cluster_num_policies', 'Policies in the datastore.', () =>
      stored('NetworkPolicy', 'GlobalNetworkPolicy'),
    ),
    gauge('felix_cluster_num_profiles', 'Profiles in the datastore.', () => stored('Profile')),
    gauge('felix_cluster_num_workload_endpoints', 'Workload endpoints in the datastore.', () =>
      stored('WorkloadEndpoint'),
    ),
    gauge('felix_resync_state', 'Of the datastore. 1: its first list is not complete; 3: in sync.', () =>
      observed.inSync ? 3 : 1,
    ),
    counter('felix_resyncs_started', 'Times that the datastore was listed.', () => observed.resyncs()),
    gauge('calico_felix_invalid_resources', 'Stored resources that cannot be used, by kind.', () =>
      byLabel('kind', invalidByKind(graph)),
    ),
  ];
}

function invalidByKind(graph: Observed['graph']): Map<Kind, number> {
  const counts = new Map<Kind, number>();
  for (const { id } of graph.invalid.values()) counts.set(id.kind, (counts.get(id.kind) ?? 0) + 1);
  return counts;
}
