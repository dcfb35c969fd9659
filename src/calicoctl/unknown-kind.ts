import { kindNames, nearMiss } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';

/** The error for a kind, on the command line, that is none. */
export function unknownKind(kind: string): CalicoError {
  const near = nearMiss(kind, kindNames());
  return new CalicoError('E_UNKNOWN_KIND', kind, 'is not a kind of resource', {
    hint: near ? `did you mean ${near}?` : 'calicoctl get --help lists the kinds',
  });
}
