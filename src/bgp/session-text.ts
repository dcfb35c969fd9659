/** One session in BIRD's configuration. Pure. */
import type { SecretRef } from '../model/index.ts';
import { type Direction, functionName } from './filters.ts';
import type { Network, Settings } from './network.ts';
import type { Session } from './sessions.ts';

/** Why a session is not there, or not as it was asked for. */
export interface Problem {
  /** The session's name. */
  readonly session: string;
  readonly reason: string;
}

export interface SessionOptions {
  readonly settings: Settings;
  readonly clusterId: string | undefined;
  /** The password; null when it cannot be read. */
  readonly password: (ref: SecretRef) => string | null;
  readonly filters: Network['filters'];
}

/** A peer that has not been heard of for so long is down. BIRD's own 240 s leave a dead host's routes too long. */
const HOLD_TIME = 90;

export interface SessionText {
  /** Null: such a session must not be. */
  readonly text: string | null;
  readonly problems: readonly Problem[];
}

export function renderSession(session: Session, options: SessionOptions): SessionText {
  const problems: Problem[] = [];
  const password = passwordOf(session, options);
  if (password.problem !== undefined) problems.push({ session: session.name, reason: password.problem });
  if (password.required && password.text === null) return { text: null, problems };
  const missing = session.filters.filter((name) => !options.filters.has(name));
  for (const name of missing)
    problems.push({ session: session.name, reason: `BGPFilter ${name} does not exist: no route is taken or told` });
  const lines = [
    `protocol bgp ${session.name} {`,
    ...ends(session, options.settings),
    ...(session.reflectorClient ? ['rr client;', `rr cluster id ${options.clusterId};`] : []),
    ...(session.allowedLocalAs ? [`allow local as ${session.allowedLocalAs};`] : []),
    ...(password.text === null ? [] : [`password "${password.text}";`]),
    ...timers(session),
    ...channel(session, missing.length > 0),
  ];
  return { text: [lines[0], ...lines.slice(1).map((line) => `  ${line}`), '}'].join('\n'), problems };
}

function ends(session: Session, settings: Settings): string[] {
  const { local, localAs, peer, port, peerAs, passive, ttlSecurity, bfd } = session;
  return [
    `local${local ? ` ${local}` : ''} port ${settings.listenPort} as ${localAs};`,
    `neighbor ${peer} port ${port} as ${peerAs};`,
    // A peer that BFD watches is on a network of ours, and BFD asks for it to be said.
    ...(bfd ? ['direct;', 'bfd graceful;'] : [ttlSecurity ? `multihop ${ttlSecurity};` : 'multihop;']),
    ...(ttlSecurity ? ['ttl security on;'] : []),
    ...(settings.bindToNodeIp && local ? ['strict bind on;'] : []),
    ...(passive ? ['passive on;'] : []),
  ];
}

function timers({ keepaliveTime, maxRestartTime }: Session): string[] {
  return [
    `hold time ${Math.min(65535, Math.max(HOLD_TIME, 3 * (keepaliveTime ?? 0)))};`,
    ...(keepaliveTime ? [`keepalive time ${keepaliveTime};`] : []),
    `graceful restart on;`,
    ...(maxRestartTime ? [`graceful restart time ${Math.min(4095, maxRestartTime)};`] : []),
    `connect delay time 1;`,
    `connect retry time 3;`,
    `error wait time 2, 30;`,
  ];
}

function channel(session: Session, closed: boolean): string[] {
  const { family, filters, nextHop, reflectorClient } = session;
  const outside = session.peerAs !== session.localAs;
  const calls = (direction: Direction) =>
    filters.map((name) => `${functionName(name, direction, family)}(${outside});`).join(' ');
  const taken = filters.length > 0 ? `filter { ${calls('import')} accept; }` : 'all';
  const told = `filter { communities${family}(); ${filters.length > 0 ? `${calls('export')} ` : ''}to_peers${family}(); }`;
  return [
    `ipv${family} {`,
    `  import ${closed ? 'none' : taken};`,
    `  export ${closed ? 'none' : told};`,
    `  gateway recursive;`,
    // Only who reflects has several paths to tell. Their numbers differ after a restart: to peers those are other routes.
    `  add paths ${reflectorClient ? 'on' : 'rx'};`,
    ...(nextHop ? [`  next hop ${nextHop};`] : []),
    `};`,
  ];
}

interface Password {
  readonly required: boolean;
  readonly text: string | null;
  readonly problem?: string;
}

/** A session that is to have a password is never without one. */
function passwordOf({ password: ref }: Session, { password }: SessionOptions): Password {
  if (!ref) return { required: false, text: null };
  const text = password(ref);
  if (text === null) {
    const missing = { required: !ref.optional, text };
    return ref.optional ? missing : { ...missing, problem: `its password (${ref.name}/${ref.key}) cannot be read` };
  }
  // BIRD's texts have no way to write these.
  if (/["\n\r]/.test(text) || text === '' || text.length > 80)
    return {
      required: true,
      text: null,
      problem: `its password (${ref.name}/${ref.key}) must be 1 to 80 characters, without quotes and line breaks`,
    };
  return { required: true, text };
}
