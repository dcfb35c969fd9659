/** Names of the kernel's error numbers, those of ipset included. */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { CalicoError } from '../errors/index.ts';

const NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** ipset answers with numbers of its own from 4097 (ip_set.h). */
const IPSET_NAMES = [
  'PROTOCOL',
  'FIND_TYPE',
  'MAX_SETS',
  'BUSY',
  'EXIST_SETNAME2',
  'TYPE_MISMATCH',
  'EXIST',
  'INVALID_CIDR',
  'INVALID_NETMASK',
  'INVALID_FAMILY',
  'TIMEOUT',
  'REFERENCED',
  'IPADDR_IPV4',
  'IPADDR_IPV6',
  'COUNTER',
  'COMMENT',
  'INVALID_MARKMASK',
  'SKBINFO',
];
for (const [i, name] of IPSET_NAMES.entries()) NAMES.set(4097 + i, `IPSET_ERR_${name}`);
const IPSET_HASH_NAMES = ['HASH_FULL', 'HASH_ELEM', 'INVALID_PROTO', 'MISSING_PROTO', 'RANGE_UNSUPPORTED', 'RANGE'];
for (const [i, name] of IPSET_HASH_NAMES.entries()) NAMES.set(4352 + i, `IPSET_ERR_${name}`);

/** `ENOENT`, `IPSET_ERR_BUSY`; numbers without a name: `errno 999`. */
export function errnoName(number: number): string {
  return NAMES.get(number) ?? `errno ${number}`;
}

/** What the kernel refused: a positive error number and, where the kernel sent one, its own sentence. */
export interface Refusal {
  readonly errno: number;
  readonly name: string;
  readonly text: string;
}

export function refusal(errno: number, extendedText = ''): Refusal {
  const known = errno < 4096 ? getSystemErrorMessage(-errno) : undefined;
  return { errno, name: errnoName(errno), text: extendedText || (known ?? '') };
}

/** E_KERNEL: `ENOENT no such file or directory`, about `subject`. The refusal is the cause. */
export function kernelError(subject: string, what: string, refused: Refusal): CalicoError {
  const text = refused.text ? `${refused.name}: ${refused.text}` : refused.name;
  return new CalicoError('E_KERNEL', subject, `${what}: ${text}`, { cause: refused, ...hintFor(refused) });
}

function hintFor({ name }: Refusal): { hint?: string } {
  if (name === 'EPERM' || name === 'EACCES') return { hint: 'root or CAP_NET_ADMIN is needed' };
  if (name === 'EPROTONOSUPPORT') return { hint: 'the kernel lacks a module for it' };
  return {};
}
