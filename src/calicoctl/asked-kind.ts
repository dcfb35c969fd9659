/** The kind that a command line names. */
import { KIND_NAMES, type KindInfo, kindInfo, kindNames, nearMiss } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';

/** E_UNKNOWN_KIND: it is none, or none that people handle. */
export function askedKind(name: string): KindInfo {
  const info = kindInfo(name);
  if (info && !info.keeper) return info;
  if (info)
    throw new CalicoError('E_UNKNOWN_KIND', name, `is kept by ${info.keeper}, not by people`, {
      ...(info.keeper === 'IPAM' && { hint: 'calicoctl ipam show' }),
    });
  const handled = kindNames().filter((known) => !KIND_NAMES[kindInfo(known)?.kind ?? '']?.keeper);
  const near = nearMiss(name, handled);
  throw new CalicoError('E_UNKNOWN_KIND', name, 'is not a kind of resource', {
    hint: near ? `did you mean ${near}?` : 'calicoctl get --help lists the kinds',
  });
}
