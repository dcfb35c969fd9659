/** What upstream's Felix has no metric for. */
import type { Observed } from '../observed.ts';
import { byVersion, driversOf } from './dataplane.ts';
import { byLabel, gauge, type Metric, type Sample } from './metric.ts';

/** Seconds. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 5];

export function ownMetrics(observed: Observed): Metric[] {
  const { reports, eventLoop } = observed;
  const all = <T>(items: Iterable<T> | undefined): T[] => [...(items ?? [])];
  return [
    gauge('calico_felix_endpoints', 'Endpoints of this host, by state.', () =>
      byLabel('state', Object.entries(reports.states)),
    ),
    gauge(
      'calico_felix_status_pending',
      'Reports of endpoints that are not in the datastore yet.',
      () => reports.pending,
    ),
    gauge('calico_felix_config_refused', '1 while another configuration is wanted than the one in force.', () =>
      Math.sign(observed.refused.length),
    ),
    gauge('calico_felix_refused_chains', 'Chains that the kernel refuses, so that others stand in for them.', () => {
      const counts = { 4: 0, 6: 0 };
      for (const family of driversOf(observed)?.iptables ?? []) counts[family.family] += all(family.refusals()).length;
      return byVersion(counts);
    }),
    gauge(
      'calico_felix_incomplete_sets',
      'IP sets that could not be made or filled.',
      () => all(driversOf(observed)?.ipsets.gaps.keys()).length,
    ),
    gauge(
      'calico_felix_event_loop_blocked_max_seconds',
      'The longest turn of the event loop since the first round.',
      () => eventLoop.longest,
    ),
    {
      name: 'calico_felix_event_loop_blocked_seconds',
      help: 'Turns of the event loop since the first round, by how long they took.',
      type: 'histogram',
      read: (): Sample[] => [
        ...BUCKETS.map((le) => ({ suffix: '_bucket', labels: { le }, value: eventLoop.turnsWithin(le) })),
        { suffix: '_bucket', labels: { le: '+Inf' }, value: eventLoop.turns },
        { suffix: '_sum', value: eventLoop.total },
        { suffix: '_count', value: eventLoop.turns },
      ],
    },
  ];
}
