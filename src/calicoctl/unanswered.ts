import { CalicoError } from '../errors/index.ts';

/** Is it the datastore as a whole that does not answer? Then asking on would only take longer. Its subject is a key where it is one entry. */
export function isUnanswered(error: unknown): error is CalicoError {
  return error instanceof CalicoError && error.code === 'E_DATASTORE' && !error.subject.startsWith('/');
}
