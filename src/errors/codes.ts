/** Every error code, with its meaning. docs/reference/errors.md lists the same; a test compares the two. */
export const CODES = {
  E_SELECTOR: 'a label selector does not parse',
  E_INVALID: 'a resource fails validation',
  E_UNKNOWN_KIND: 'no such resource kind',
  E_FILE: 'a file cannot be read or is not YAML or JSON',
  E_NOT_FOUND: 'no such resource',
  E_EXISTS: 'the resource exists already',
  E_CONFLICT: 'the resource has changed since it was read',
  E_EXHAUSTED: 'no address is left to give',
  E_REFUSED: 'it would do more harm than is allowed without being told to',
  E_DATASTORE: 'the datastore does not answer or refuses',
  E_NOT_READY: 'the datastore is not ready: nothing is taken from it',
  E_NOT_LOCKED: 'the command needs a datastore that is locked',
  E_CLUSTER: 'the datastore came back as that of another cluster: nothing is taken from it',
  E_CONFIG: 'a configuration value is not usable',
  E_KERNEL: 'the kernel refused an operation, or lacks what is needed',
  E_USAGE: 'the command line is not understood',
  E_INTERNAL: 'a fault of the program itself',
} as const;

export type ErrorCode = keyof typeof CODES;
