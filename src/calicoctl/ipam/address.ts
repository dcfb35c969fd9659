/** Addresses as arguments. */
import { CalicoError } from '../../errors/index.ts';
import { type Ip, parseIp } from '../../net/index.ts';

/** E_USAGE. */
export function parseAddress(option: string, argument: string): Ip {
  const address = parseIp(argument);
  if (address) return address;
  throw new CalicoError('E_USAGE', option, `invalid IP address specified: '${argument}'`);
}
