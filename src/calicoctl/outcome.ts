/** What became of the resources that a command was given, and the lines that say so; scripts parse them. */
import type { Resource } from '../api/index.ts';

export interface Outcome {
  readonly total: number;
  readonly done: number;
  readonly errors: readonly unknown[];
  /** The kind of all of them, when there is one. */
  readonly kind: string | undefined;
}

/** Does the work for each resource, in order; one that fails does not stop the others. */
export async function forEach(
  resources: readonly Resource[],
  work: (resource: Resource) => Promise<unknown>,
): Promise<Outcome> {
  const errors: unknown[] = [];
  for (const resource of resources) {
    try {
      await work(resource);
    } catch (error) {
      errors.push(error);
    }
  }
  const kinds = new Set(resources.map(({ kind }) => kind));
  return {
    total: resources.length,
    done: resources.length - errors.length,
    errors,
    kind: kinds.size === 1 ? resources[0]?.kind : undefined,
  };
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
