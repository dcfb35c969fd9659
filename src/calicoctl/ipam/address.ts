/** Addresses as arguments. */
import { CalicoError } from '../../errors/index.ts';
import { type Ip, parseIp } from '../../net/index.ts';

/** E_USAGE. */
export function parseAddress(option: string, argument: string): Ip {
  // An IPv4 address in the form of IPv6 is the IPv4 address, as for upstream.
  const address = parseIp(argument.replace(/^::ffff:(?=[\d.]+$)/i, ''));
  if (address) return address;
  throw new CalicoError('E_USAGE', option, `invalid IP address specified: '${argument}'`);
}
