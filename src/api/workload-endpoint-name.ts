/**
 * Names of workload endpoints: node, orchestrator, workload and endpoint, joined by `-`, each `-` within them doubled.
 * What plays the workload's part depends on the orchestrator.
 */

/** A `-` by itself, between others. */
const SEPARATOR = /(?<=[^-])-(?=[^-])/;

export interface WorkloadEndpointIds {
  readonly node?: string | undefined;
  readonly orchestrator?: string | undefined;
  readonly workload?: string | undefined;
  readonly pod?: string | undefined;
  readonly containerID?: string | undefined;
  readonly endpoint?: string | undefined;
}

type Result =
  | { name: string; field?: undefined; problem?: undefined }
  | { name?: undefined; field: string; problem: string };

/** The name, or the field that prevents one. */
export function workloadEndpointName(ids: WorkloadEndpointIds): Result {
  const parts: string[] = [];
  for (const [field, value] of segments(ids)) {
    const problem = segmentProblem(value);
    if (problem) return { field, problem };
    parts.push(doubled(value));
  }
  return { name: parts.join('-') };
}

/** What all names of endpoints start with that have these first ids. Null when one is not usable or the node is missing. */
export function workloadEndpointPrefix(ids: WorkloadEndpointIds): string | null {
  const parts: string[] = [];
  for (const [, value] of segments(ids)) {
    if (value === '') return parts.length === 0 ? null : `${parts.join('-')}-`;
    if (segmentProblem(value)) return null;
    parts.push(doubled(value));
  }
  return parts.join('-');
}

/** The ids that a name says: as many as there are. Null when it is none. */
export function parseWorkloadEndpointName(name: string): WorkloadEndpointIds | null {
  const parts = name.split(SEPARATOR).map((part) => part.replaceAll('--', '-'));
  if (parts.length > 4) return null;
  const [node, orchestrator, workload, endpoint] = parts;
  if (orchestrator === undefined) return { node };
  const field = workloadField(orchestrator);
  return {
    node,
    orchestrator,
    ...(workload !== undefined && { [field]: workload }),
    ...(endpoint !== undefined && { endpoint }),
  };
}

function segments(ids: WorkloadEndpointIds): [string, string][] {
  const field = workloadField(ids.orchestrator ?? '');
  const workload = ids.orchestrator === 'libnetwork' ? 'libnetwork' : (ids[field] ?? '');
  return [
    ['node', ids.node ?? ''],
    ['orchestrator', ids.orchestrator ?? ''],
    [field, workload],
    ['endpoint', ids.endpoint ?? ''],
  ];
}

function workloadField(orchestrator: string): 'pod' | 'containerID' | 'workload' {
  return orchestrator === 'k8s' ? 'pod' : orchestrator === 'cni' ? 'containerID' : 'workload';
}

function segmentProblem(value: string): string | null {
  if (value === '') return 'must be given: the name is made from it';
  if (value.startsWith('-')) return "must not begin with '-'";
  return value.endsWith('-') ? "must not end with '-'" : null;
}

function doubled(value: string): string {
  return value.replaceAll('-', '--');
}
