/** How a running BIRD does: asked over its control socket, and read from what it prints. */
import { CalicoError } from '../errors/index.ts';
import { type Family, familyOf } from '../net/index.ts';
import { command } from './control.ts';

export interface BirdStatus {
  readonly version: string;
  readonly routerId: string;
  /** As BIRD prints times: `2026-11-24 04:09:05`. */
  readonly lastBoot: string;
  readonly lastReconfiguration: string;
  readonly sessions: readonly SessionStatus[];
}

export interface SessionStatus {
  readonly name: string;
  readonly type: 'mesh' | 'node' | 'global';
  readonly family: Family;
  readonly peer: string;
  /** `up`, or `start`, `down`, `stop`. */
  readonly state: string;
  /** A time of today, or a date. */
  readonly since: string;
  /** BGP's own: Idle, Connect, Active, OpenSent, OpenConfirm, Established, Close, Down. */
  readonly bgpState: string;
  /** BIRD's word for it, with the last error: `Active Socket: Connection refused`. */
  readonly info: string;
  readonly lastError: string;
}

/** A line of BIRD's `show route`, as far as it is reported. */
export interface Route {
  readonly destination: string;
  /** Empty where there is none. */
  readonly gateway: string;
  readonly interface: string;
  /** BIRD's name of who told it: `Mesh_10_1_0_2`, `kernel4`, … */
  readonly protocol: string;
  /** BIRD uses it; the others are only known. */
  readonly used: boolean;
}

/** E_CONFIG: BIRD does not run, or does not answer. */
export async function birdStatus(socket: string): Promise<BirdStatus> {
  const status = await command(socket, 'show status');
  const protocols = await command(socket, 'show protocols all');
  return { ...parseStatus(status.lines), sessions: parseSessions(protocols.lines) };
}

export function parseStatus(lines: readonly string[]): Omit<BirdStatus, 'sessions'> {
  const after = (start: string) =>
    lines
      .find((line) => line.startsWith(start))
      ?.slice(start.length)
      .replace(/(:\d\d)\.\d+$/, '$1');
  const version = after('BIRD ');
  if (version === undefined) throw new CalicoError('E_CONFIG', 'bird', 'its status is not understood');
  return {
    version,
    routerId: after('Router ID is ') ?? '',
    lastBoot: after('Last reboot on ') ?? '',
    lastReconfiguration: after('Last reconfiguration on ') ?? '',
  };
}

const TYPES = { Mesh: 'mesh', Node: 'node', Global: 'global' } as const;

/** Of `show protocols all`: a line a protocol, `name BGP table state since info`, then what it says of it, indented. */
export function parseSessions(lines: readonly string[]): SessionStatus[] {
  const sessions: SessionStatus[] = [];
  for (const [index, line] of lines.entries()) {
    const match = /^((Mesh|Node|Global)_\S+) +BGP +\S+ +(\S+) +(\S+) *(.*)$/.exec(line);
    if (!match) continue;
    const [, name = '', scope = '', state = '', since = '', info = ''] = match;
    const end = lines.findIndex((other, i) => i > index && /^\S/.test(other));
    const details = lines.slice(index + 1, end < 0 ? undefined : end);
    const detail = (label: string) =>
      details
        .find((text) => text.trim().startsWith(label))
        ?.trim()
        .slice(label.length)
        .trim() ?? '';
    const peer = detail('Neighbor address:');
    sessions.push({
      name,
      type: TYPES[scope as keyof typeof TYPES],
      family: familyOf(peer),
      peer,
      state,
      since: since.replace(/\.\d+$/, ''),
      bgpState: detail('BGP state:'),
      info: info.trim().replace(/\s+/g, ' '),
      lastError: detail('Last error:'),
    });
  }
  return sessions;
}

/** Of `show route`: a line `NET TYPE [PROTOCOL SINCE] …`, where further ways leave NET out; then `\tvia GW on IF` or `\tdev IF`. */
export function parseRoutes(lines: readonly string[]): Route[] {
  const routes: Route[] = [];
  let destination = '';
  for (const line of lines) {
    const way = /^(\S*) +(?:unicast|blackhole|unreachable|prohibited) +\[(\S+) [^\]]*\] *(\*?)/.exec(line);
    const hop = /^\s+(?:via (\S+) on|dev) (\S+)/.exec(line);
    const last = routes.at(-1);
    if (way) {
      destination = way[1] || destination;
      routes.push({ destination, gateway: '', interface: '', protocol: way[2] ?? '', used: way[3] === '*' });
    } else if (hop && last && last.interface === '')
      routes[routes.length - 1] = { ...last, gateway: hop[1] ?? '', interface: hop[2] ?? '' };
  }
  return routes;
}

/** What BIRD says, and what it means; the first that fits. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/Connection refused/, 'the peer refuses connections: no BGP runs there, or on another port'],
  [
    /No route to host|Host is unreachable|Network is unreachable/,
    'there is no way to the peer: check routes and links',
  ],
  [/Bad peer AS/, 'the peer has another AS number than this host expects'],
  [/Bad BGP identifier/, 'the peer has the same router id as this host'],
  [/Hold timer expired/, 'nothing was heard from the peer for too long'],
  [/Connection rejected/, 'the peer does not know this host, or refuses it'],
  [/Administrative shutdown|Administrative reset|Peer de-configured/, 'the peer was told to end the session'],
  [/Connection collision/, 'both connected at the same time; it is tried again'],
  [/BFD session down/, 'BFD says that the peer cannot be reached'],
  [/No listening socket/, 'BIRD cannot listen: another program has the port, or the address is not on this host'],
  [/Cannot assign requested address|Address not available/, 'the address to speak from is not on this host'],
  [/Key rejected|Invalid argument/, 'the password cannot be set on the connection'],
  [/Connection closed|Connection reset/, 'the peer closed the connection: it may not know this host'],
  [
    /Connection timed out|Operation timed out/,
    'the peer does not answer: it is down, cut off, or has another password',
  ],
];

/** Why a session is not up, in words; null when it is. */
export function explain({ bgpState, info, lastError, state }: SessionStatus): string | null {
  if (bgpState === 'Established') return null;
  const said = lastError || info;
  const reason = REASONS.find(([pattern]) => pattern.test(said))?.[1];
  if (reason) return reason;
  if (/Passive/.test(bgpState) || /^Passive/.test(info))
    return 'this host waits for the peer to connect, which it has not done';
  if (/^(Open)/.test(bgpState)) return 'the peer is connected, and its greeting is awaited';
  if (said && !/^(Idle|Active|Connect|Start)$/.test(said)) return said;
  if (state === 'down') return 'the session is switched off';
  return 'the peer does not answer: it is down, cut off, or has another password';
}
