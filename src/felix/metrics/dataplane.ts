/** Of the apply loop, and of the kernel tables that it keeps. */
import { type Drivers, TUNNEL_DEVICES } from '../../dataplane/index.ts';
import type { Observed } from '../observed.ts';
import { byLabel, counter, gauge, type Metric, type Sample, summary } from './metric.ts';

export function dataplaneMetrics(observed: Observed): Metric[] {
  return [...loopMetrics(observed), ...setMetrics(observed), ...iptablesMetrics(observed), tunnelMtus(observed)];
}

function loopMetrics({ dataplane, startSeconds }: Observed): Metric[] {
  const batch = (what: string) => `${what} in each batch.`;
  return [
    summary(
      'felix_int_dataplane_apply_time_seconds',
      'Time that one round of writing to the kernel took.',
      dataplane.seconds,
    ),
    counter(
      'felix_int_dataplane_failures',
      'Rounds of writing to the kernel that did not do everything.',
      () => dataplane.failures,
    ),
    counter('felix_int_dataplane_messages', 'Updates that calc told the dataplane, by type.', () =>
      byLabel('type', dataplane.messages),
    ),
    summary('felix_int_dataplane_msg_batch_size', 'Updates taken in by each round.', dataplane.updatesARound),
    summary(
      'felix_int_dataplane_iface_msg_batch_size',
      batch("The kernel's notifications of links"),
      dataplane.linksABatch,
    ),
    summary(
      'felix_int_dataplane_addr_msg_batch_size',
      batch("The kernel's notifications of addresses"),
      dataplane.addressesABatch,
    ),
    summary('felix_exec_time_micros', 'Microseconds to start a program.', startSeconds, 1e6),
    counter(
      'calico_felix_operations',
      'Changes asked of the kernel over netlink and /proc.',
      () => dataplane.operations,
    ),
    counter(
      'calico_felix_operation_errors',
      'Changes that were not done, and wait to be tried again.',
      () => dataplane.errors,
    ),
  ];
}

/** That it is the same on all hosts is seen by comparing their metrics. */
function tunnelMtus(observed: Observed): Metric {
  return gauge(
    'calico_felix_tunnel_mtu_bytes',
    'The largest packet that a tunnel of this host takes, by device.',
    () => {
      const links = driversOf(observed)?.links;
      return Object.values(TUNNEL_DEVICES).flatMap((device) => {
        const link = links?.byName(device);
        return link?.up ? [{ labels: { device }, value: link.mtu }] : [];
      });
    },
  );
}

function setMetrics(observed: Observed): Metric[] {
  const sets = () => driversOf(observed)?.ipsets;
  return [
    counter(
      'felix_ipset_calls',
      'Batches of changes to IP sets: no program is run for them.',
      () => observed.setCounts.batches,
    ),
    counter('felix_ipset_errors', 'Changes to IP sets that failed.', () => observed.setCounts.errors),
    counter('felix_ipset_lines_executed', 'Changes to IP sets and their members.', () => observed.setCounts.operations),
    gauge('felix_ipsets_calico', 'IP sets that Felix keeps, by family.', () => {
      const counts = { 4: 0, 6: 0 };
      for (const { family } of sets()?.desired() ?? []) counts[family]++;
      return byVersion(counts);
    }),
    gauge(
      'felix_ipsets_total',
      "IP sets in the kernel when they were last read, others' included.",
      () => sets()?.counts.found ?? 0,
    ),
  ];
}

function iptablesMetrics(observed: Observed): Metric[] {
  const perTable = (value: (table: Drivers['iptables'][number]['tables']['filter']) => number) => (): Sample[] =>
    (driversOf(observed)?.iptables ?? []).flatMap(({ family, tables }) =>
      Object.values(tables).map((table) => ({
        labels: { ip_version: family, table: table.name },
        value: value(table),
      })),
    );
  const perRun = (program: RegExp, field: 'calls' | 'failures' | 'lines') => (): Sample[] => {
    const counts = { 4: 0, 6: 0 };
    for (const [name, run] of observed.runs)
      if (program.test(name)) counts[name.startsWith('ip6') ? 6 : 4] += run[field];
    return byVersion(counts);
  };
  return [
    gauge(
      'felix_iptables_chains',
      'Chains of ours in the kernel.',
      perTable((table) => table.chainCount),
    ),
    gauge(
      'felix_iptables_rules',
      'Rules in chains of ours.',
      perTable((table) => table.ruleCount),
    ),
    counter('felix_iptables_lines_executed', 'Lines given to iptables-restore.', perRun(/-restore$/, 'lines')),
    counter('felix_iptables_restore_calls', 'Runs of iptables-restore.', perRun(/-restore$/, 'calls')),
    counter('felix_iptables_restore_errors', 'Runs of iptables-restore that failed.', perRun(/-restore$/, 'failures')),
    counter('felix_iptables_save_calls', 'Runs of iptables-save.', perRun(/-save$/, 'calls')),
    counter('felix_iptables_save_errors', 'Runs of iptables-save that failed.', perRun(/-save$/, 'failures')),
  ];
}

export function driversOf(observed: Observed): Drivers | undefined {
  return observed.enforcement?.drivers;
}

export function byVersion(counts: Readonly<Record<4 | 6, number>>): Sample[] {
  return ([4, 6] as const).map((family) => ({ labels: { ip_version: family }, value: counts[family] }));
}
