/** The packet that is asked about: the first of a connection. */
import { CalicoError } from '../../errors/index.ts';
import {
  familyOf,
  hasPorts,
  ICMP,
  ICMPV6,
  type Ip,
  parseIp,
  parsePortRange,
  parseProtocol,
  protocolName,
} from '../../net/index.ts';
import { addressIn, type Place } from './place.ts';

export interface Flow {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** As the command line has it. */
export interface FlowOptions {
  readonly protocol: string;
  readonly port?: string;
  readonly sourcePort: string;
  /** `8` or `8/0`. */
  readonly icmp?: string;
}

/** E_USAGE when the two places have no family in common, or the options make no packet. */
export function parseFlow(options: FlowOptions, from: Place, to: Place): Flow {
  const family = commonFamily(from, to);
  const name = options.protocol.toLowerCase();
  const protocol = name === 'icmp' && family === 6 ? ICMPV6 : parseProtocol(options.protocol);
  if (protocol === null) throw new CalicoError('E_USAGE', `--protocol ${options.protocol}`, 'no IP protocol');
  const ends = { source: addressIn(from, family), destination: addressIn(to, family), protocol };
  if (protocol === ICMP || protocol === ICMPV6) return { ...ends, ...icmp(options, protocol) };
  if (!hasPorts(protocol)) return ends;
  if (options.port === undefined)
    throw new CalicoError('E_USAGE', '--port', `${protocolName(protocol)} needs a port`, {
      hint: 'for example --port 80',
    });
  return {
    ...ends,
    destinationPort: parsePort('--port', options.port),
    sourcePort: parsePort('--source-port', options.sourcePort),
  };
}

/** That of an address which was named as such, else one that both places have. */
function commonFamily(from: Place, to: Place) {
  const literal = [to, from].find((place) => parseIp(place.text));
  const shared = to.addresses.find((a) => from.addresses.some((b) => familyOf(a) === familyOf(b)));
  const address = literal?.addresses[0] ?? shared ?? to.addresses[0];
  if (!address) throw new CalicoError('E_USAGE', to.text, 'has no address');
  return familyOf(address);
}

function icmp({ icmp: text }: FlowOptions, protocol: number): Pick<Flow, 'icmpType' | 'icmpCode'> {
  if (text === undefined) return { icmpType: protocol === ICMP ? 8 : 128, icmpCode: 0 };
  const [, type, code] = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (type === undefined || Number(type) > 255 || Number(code ?? 0) > 255)
    throw new CalicoError('E_USAGE', `--icmp ${text}`, 'neither TYPE nor TYPE/CODE', {
      hint: 'for example --icmp 8/0',
    });
  return { icmpType: Number(type), icmpCode: Number(code ?? 0) };
}

function parsePort(option: string, value: string): number {
  const range = parsePortRange(value);
  if (!range || range.min !== range.max)
    throw new CalicoError('E_USAGE', `${option} ${value}`, 'not a port number (0–65535)');
  return range.min;
}
