/** What became of the resources that a command was given, and the lines that say so; scripts parse them. */
import type { Resource } from '../api/index.ts';
import { isUnanswered } from './unanswered.ts';

export interface Outcome {
  readonly total: number;
  readonly done: number;
  readonly errors: readonly unknown[];
  /** The kind of all of them, when there is one. */
  readonly kind: string | undefined;
}

/** Told how many resources are done with, of how many. */
export type Progress = (handled: number, total: number) => void;

/** Kinds of which each is written by itself: nothing is checked against others, nothing changed beside it. */
const INDEPENDENT = new Set([
  'GlobalNetworkPolicy',
  'GlobalNetworkSet',
  'HostEndpoint',
  'NetworkPolicy',
  'NetworkSet',
  'Profile',
  'WorkloadEndpoint',
]);
/** At a time: etcd takes as many comparisons and writes in one transaction, and twice that. */
const AT_ONCE = 64;

type Results = readonly PromiseSettledResult<unknown>[];

/** Does the work for each resource, in order as far as it matters; one that fails does not stop the others. */
export function forEach(
  resources: readonly Resource[],
  work: (resource: Resource) => Promise<unknown>,
): Promise<Outcome> {
  return inBatches(resources, (batch) => Promise.allSettled(batch.map(async (resource) => work(resource))));
}

/** The same for several at a time, which do not depend on one another. Where the datastore does not answer it ends there. */
export async function inBatches(
  resources: readonly Resource[],
  work: (batch: readonly Resource[]) => Promise<Results>,
  progress: Progress = () => undefined,
): Promise<Outcome> {
  const errors: unknown[] = [];
  let [done, handled] = [0, 0];
  for (const batch of batches(resources)) {
    const failed = (await work(batch)).flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    done += batch.length - failed.length;
    handled += batch.length;
    progress(handled, resources.length);
    const unanswered = failed.find(isUnanswered);
    errors.push(...failed.filter((error) => !isUnanswered(error)));
    if (!unanswered) continue;
    errors.push(unanswered);
    break; // What is left would wait as long, each for itself.
  }
  const kinds = new Set(resources.map(({ kind }) => kind));
  return { total: resources.length, done, errors, kind: kinds.size === 1 ? resources[0]?.kind : undefined };
}

/** Runs of different resources of a kind that may be written side by side; any other resource by itself. */
function* batches(resources: readonly Resource[]): Iterable<readonly Resource[]> {
  let batch: Resource[] = [];
  let names = new Set<string>();
  for (const resource of resources) {
    const { kind, metadata } = resource;
    const name = `${metadata.namespace ?? ''}/${metadata.name}`;
    const fits = INDEPENDENT.has(kind) && batch[0]?.kind === kind && !names.has(name) && batch.length < AT_ONCE;
    if (!fits && batch.length > 0) {
      yield batch;
      batch = [];
      names = new Set();
    }
    batch.push(resource);
    names.add(name);
  }
  if (batch.length > 0) yield batch;
}

/** For standard output; empty when there is nothing to say beside the errors. `verb`: `created`. */
export function summary({ total, done, errors, kind }: Outcome, verb: string): string {
  const what = kind ? `'${kind}' ` : '';
  if (errors.length === 0) return `Successfully ${verb} ${done} ${what}resource(s)\n`;
  // Upstream counts what it could not replace as replaced, and is silent when it failed as often as not.
  const handled = verb === 'replaced' ? total : done;
  const silent = verb !== 'replaced' && done <= errors.length;
  return silent ? '' : `Partial success: ${verb} the first ${handled} out of ${total} ${what}resources:\n`;
}
