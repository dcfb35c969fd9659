/** etcd's and gRPC's errors in the project's terms. */
import { type ServiceError, status } from '@grpc/grpc-js';
import { CalicoError } from '../../errors/index.ts';

/** Did the endpoint not answer? */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error);
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED;
}

/** Was the request refused, without being looked at, because its token is not (or no longer) known? */
export function isInvalidToken(error: unknown): boolean {
  return /invalid auth token|revision of auth store is old/.test(textOf(error));
}

/** Is the revision that a request asked for compacted? */
export function isCompacted(error: unknown): boolean {
  return codeOf(error) === status.OUT_OF_RANGE && /compacted/.test(textOf(error));
}

export function isLeaseGone(error: unknown): boolean {
  return codeOf(error) === status.NOT_FOUND && /lease not found/.test(textOf(error));
}

export function noLeader(address: string): Error {
  return Object.assign(new Error(`${address} has no leader`), { code: status.UNAVAILABLE });
}

/** An E_DATASTORE about these endpoints. */
export function failure(error: unknown, endpoints: string): CalicoError {
  if (error instanceof CalicoError) return error;
  return new CalicoError('E_DATASTORE', endpoints, textOf(error), { hint: hintOf(error), cause: error });
}

function hintOf(error: unknown): string {
  const text = textOf(error);
  const code = codeOf(error);
  if (/authentication failed|user name is empty|permission denied|invalid auth token/.test(text)) {
    return "check the user, its password and its role's permissions (ETCD_USERNAME, ETCD_PASSWORD)";
  }
  if (/certificate|SSL|TLS|self.signed|wrong version/i.test(text)) {
    return 'check http or https, and the certificates (ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE)';
  }
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) {
    return 'is etcd running there, and are the endpoints right (ETCD_ENDPOINTS)?';
  }
  return "see etcd's log";
}

function codeOf(error: unknown): number | undefined {
  if (error instanceof CalicoError) return codeOf(error.cause);
  return (error as Partial<ServiceError> | null)?.code;
}

function textOf(error: unknown): string {
  if (error instanceof CalicoError) return error.message;
  const { details, message } = error as Partial<ServiceError>;
  return details || message || String(error);
}
