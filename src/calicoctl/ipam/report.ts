/** What `ipam check -o` writes and `ipam release --from-report` reads: upstream's format. */
import { parseJson, type Resource, toJson } from '../../api/index.ts';
import { CalicoError } from '../../errors/index.ts';
import type { CheckReport, GivenAddress, Snapshot } from '../../ipam/index.ts';
import { VERSION } from '../../program/index.ts';
import { idleHandles, userName } from './findings.ts';

export interface Report {
  /** Of the program that wrote it. */
  readonly version: string;
  readonly clusterGUID: string;
  readonly datastoreLocked: boolean;
  /** Changes with every lock and unlock. */
  readonly clusterInformationRevision: string;
  readonly clusterType: string;
  /** By address. */
  readonly allocations: Readonly<Record<string, readonly Allocation[]>>;
  readonly leakedHandles?: readonly { readonly ID: string }[];
}

export interface Allocation {
  readonly ip: string;
  readonly handle?: string;
  /** Of the block when the address was given; absent in blocks of v3.15's form. */
  readonly sequenceNumber?: number | bigint;
  readonly pod?: string;
  readonly namespace?: string;
  readonly node?: string;
  readonly type?: string;
  readonly creationTimestamp?: string;
  /** False: nobody uses it, and it is known what it was for. What is only likely to be unused counts as in use: who reads a report releases. */
  readonly inUse: boolean;
  /** Ours: why it is in use only perhaps. */
  readonly unsure?: string;
  readonly borrowed?: boolean;
  readonly owners: readonly string[] | null;
}

/** `cluster`: ClusterInformation `default`. */
export function makeReport(snapshot: Snapshot, report: CheckReport, cluster: Resource): Report {
  const { given, problems } = report;
  const unused = new Map(problems.flatMap((problem) => (problem.kind === 'unused' ? [[problem.given, problem]] : [])));
  const affinities = new Map(snapshot.blocks.map(({ cidr, block }) => [cidr, block?.affinity ?? null]));
  const leaked = idleHandles(snapshot, report);
  const entries = given.map((one): [string, Allocation[]] => {
    const problem = unused.get(one);
    const unsure = problem && !problem.sure ? problem.why : undefined;
    return [one.address, [allocation(one, affinities.get(one.block) ?? null, problem?.sure ?? false, unsure)]];
  });
  return {
    version: VERSION,
    clusterGUID: String(cluster.spec?.clusterGUID ?? ''),
    datastoreLocked: cluster.spec?.datastoreReady === false,
    clusterInformationRevision: cluster.metadata.resourceVersion ?? '',
    clusterType: String(cluster.spec?.clusterType ?? ''),
    allocations: Object.fromEntries(entries),
    ...(leaked.length > 0 && { leakedHandles: leaked.map((ID) => ({ ID })) }),
  };
}

function allocation(
  { address, handle, sequenceNumber, attributes, usedBy }: GivenAddress,
  affinity: string | null,
  free: boolean,
  unsure: string | undefined,
): Allocation {
  const { pod, namespace, type, timestamp } = attributes ?? {};
  const host = affinity?.startsWith('host:') ? affinity.slice('host:'.length) : undefined;
  const node = attributes?.node ?? host;
  return {
    ip: address,
    ...(handle !== null && { handle }),
    ...(sequenceNumber !== null && { sequenceNumber }),
    ...(pod && { pod }),
    ...(namespace && { namespace }),
    ...(node && { node }),
    ...(type && { type }),
    ...(timestamp && { creationTimestamp: timestamp }),
    inUse: !free,
    ...(unsure && { unsure }),
    ...(node !== host && { borrowed: true }),
    owners: usedBy.length > 0 ? usedBy.map(userName) : null,
  };
}

export function formatReport(report: Report): string {
  return toJson(report, 2);
}

/** E_FILE. */
export function parseReport(text: string, file: string): Report {
  let report: Partial<Report> | null;
  try {
    report = parseJson(text) as Partial<Report> | null;
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'is not JSON', { hint: 'calicoctl ipam check -o writes one', cause });
  }
  if (typeof report?.clusterGUID === 'string' && isAllocations(report.allocations)) return report as Report;
  throw new CalicoError('E_FILE', file, 'is no report of ipam check: it has no clusterGUID or allocations');
}

function isAllocations(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every(
    (list) =>
      Array.isArray(list) && list.every((entry) => typeof entry?.ip === 'string' && typeof entry.inUse === 'boolean'),
  );
}
