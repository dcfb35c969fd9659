/** What `ipam check` prints: upstream's text, and what upstream does not look for. */
import type { AddressUse, CheckReport, GivenAddress, Problem, Snapshot } from '../../ipam/index.ts';
import { attributesText, idleHandles, missingHandles, problemText, userName } from './findings.ts';

export interface Detail {
  /** Every address that is looked at. */
  readonly all: boolean;
  /** Addresses and entries with problems. */
  readonly problems: boolean;
}

const BUSIEST = 20;

export function checkText(snapshot: Snapshot, report: CheckReport, detail: Detail): string {
  return [
    'Checking IPAM for inconsistencies...',
    '',
    ...blockLines(snapshot, report, detail),
    ...poolLines(snapshot),
    ...useLines(snapshot, detail),
    ...nodeLines(snapshot, report),
    ...findings(snapshot, report, detail),
    `Check complete; found ${report.problems.length} problems.`,
    '',
  ].join('\n');
}

function blockLines({ blocks }: Snapshot, { given }: CheckReport, { all }: Detail): string[] {
  const byBlock = Map.groupBy(given, ({ block }) => block);
  const lines = blocks.flatMap(({ cidr, block }) => [
    ` IPAM block ${cidr} affinity=${block?.affinity ?? '<none>'}:`,
    ...(all ? (byBlock.get(cidr) ?? []) : []).map((one) => `  ${one.address} allocated; attrs ${attributesText(one)}`),
  ]);
  return [
    'Loading all IPAM blocks...',
    `Found ${blocks.length} IPAM blocks.`,
    ...lines,
    `IPAM blocks record ${given.length} allocations.`,
    '',
  ];
}

function poolLines({ pools }: Snapshot): string[] {
  const active = pools.filter(({ disabled }) => !disabled);
  const lines = active.map(({ cidr }) => `  ${cidr}`);
  return ['Loading all IPAM pools...', ...lines, `Found ${active.length} active IP pools.`, ''];
}

function useLines({ uses }: Snapshot, { all }: Detail): string[] {
  const tunnels = uses.filter(({ by }) => by === 'tunnel');
  const workloads = uses.filter(({ by }) => by === 'workload');
  const lines = (of: readonly AddressUse[]) =>
    all ? of.map((use) => `  ${use.address} belongs to ${userName(use)}`) : [];
  return [
    'Loading all nodes.',
    ...lines(tunnels),
    `Found ${tunnels.length} node tunnel IPs.`,
    '',
    'Loading all workload endpoints.',
    ...lines(workloads),
    `Found ${workloads.length} workload IPs.`,
    `Workloads and nodes are using ${new Set([...tunnels, ...workloads].map(({ address }) => address)).size} IPs.`,
    '',
  ];
}

function nodeLines({ blocks }: Snapshot, { given }: CheckReport): string[] {
  const affinities = new Map(blocks.map(({ cidr, block }) => [cidr, block?.affinity ?? '']));
  const nodeOf = ({ attributes, block }: GivenAddress) =>
    attributes?.node ?? /^host:(.*)/s.exec(affinities.get(block) ?? '')?.[1] ?? '';
  const counts = [...Map.groupBy(given, nodeOf)].map(([node, of]) => ({ node, count: of.length }));
  counts.sort((a, b) => b.count - a.count || (a.node < b.node ? -1 : 1));
  const [most] = counts;
  const median = counts[Math.floor(counts.length / 2)];
  return [
    'Loading all handles',
    `Looking for top (up to ${BUSIEST}) nodes by allocations...`,
    ...counts.slice(0, BUSIEST).map(({ node, count }) => `  ${node} has ${count} allocations`),
    ...(most ? [`Node with most allocations has ${most.count}; median is ${median?.count}`] : []),
    '',
  ];
}

function findings(snapshot: Snapshot, report: CheckReport, detail: Detail): string[] {
  const { problems } = report;
  const of = (...kinds: Problem['kind'][]) => problems.filter(({ kind }) => kinds.includes(kind));
  const lines = (found: readonly Problem[]) => (detail.problems ? found.map((one) => `  ${problemText(one)}`) : []);
  const idle = idleHandles(snapshot, report);
  const used = of('not-given', 'outside-pools', 'shared');
  const stored = of('miscounted', 'affinity-without-block', 'block-without-affinity', 'host-gone');
  const broken = of('block-outside-pools', 'broken-block');
  return [
    'Scanning for IPs that are allocated but not actually in use...',
    ...lines(of('unused')),
    `Found ${of('unused').length} IPs that are allocated in IPAM but not actually in use.`,
    'Scanning for IPs that are in use by a workload or node but not allocated in IPAM...',
    ...lines(used),
    `Found ${of('outside-pools').length} in-use IPs that are not in active IP pools.`,
    `Found ${of('not-given').length} in-use IPs that are in active IP pools but have no corresponding IPAM allocation.`,
    '',
    'Scanning for IPAM handles with no matching IPs...',
    `Found ${idle.length} handles with no matching IPs (and ${snapshot.handles.size - idle.length} handles with matches).`,
    'Scanning for IPs with missing handle...',
    `Found ${missingHandles(snapshot, report).length} handles mentioned in blocks with no matching handle resource.`,
    'Scanning for blocks, affinities and handles that contradict each other...',
    ...lines([...stored, ...broken]),
    `Found ${stored.length + broken.length} contradictions.`,
    '',
  ];
}
