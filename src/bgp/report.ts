/** What a CalicoNodeStatus says of its node: from BIRD's answers to the resource's fields. Pure. */
import type { Family } from '../net/index.ts';
import type { BirdStatus, Route, SessionStatus } from './status.ts';

const CLASSES = ['Agent', 'BGP', 'Routes'] as const;
const PEER_TYPES = { mesh: 'NodeMesh', node: 'NodePeer', global: 'GlobalPeer' };
const STATES = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established', 'Close'];

export interface Findings {
  /** Null: BIRD does not answer. */
  readonly bird: BirdStatus | null;
  readonly routes: Readonly<Record<Family, readonly Route[]>>;
  /** RFC 3339. */
  readonly now: string;
}

/** The `status` of a resource that asks for these classes; what it does not ask for is empty. */
export function report({ bird, routes, now }: Findings, classes: readonly string[]): Record<string, unknown> {
  const asks = (of: (typeof CLASSES)[number]) => classes.includes(of);
  const sessions = asks('BGP') ? (bird?.sessions ?? []) : [];
  const agent = asks('Agent') ? agentOf(bird) : {};
  return {
    lastUpdated: now,
    // One BIRD serves both families.
    agent: { birdV4: agent, birdV6: agent },
    bgp: {
      ...counts(sessions, 4),
      ...counts(sessions, 6),
      ...peers(sessions, 4),
      ...peers(sessions, 6),
    },
    routes: asks('Routes')
      ? {
          routesV4: routes[4].map((route) => routeOf(route, bird)),
          routesV6: routes[6].map((route) => routeOf(route, bird)),
        }
      : {},
  };
}

function agentOf(bird: BirdStatus | null) {
  if (!bird) return { state: 'NotReady' };
  const { version, routerId, lastBoot, lastReconfiguration } = bird;
  return {
    state: 'Ready',
    version,
    routerID: routerId,
    lastBootTime: lastBoot,
    lastReconfigurationTime: lastReconfiguration,
  };
}

function counts(sessions: readonly SessionStatus[], family: Family) {
  const own = sessions.filter((session) => session.family === family);
  const up = own.filter(({ bgpState }) => bgpState === 'Established').length;
  return { [`numberEstablishedV${family}`]: up, [`numberNotEstablishedV${family}`]: own.length - up };
}

function peers(sessions: readonly SessionStatus[], family: Family) {
  const own = sessions.filter((session) => session.family === family);
  const peers = own.map(({ peer, type, bgpState, since }) => ({
    peerIP: peer,
    type: PEER_TYPES[type],
    // BIRD has words of its own for a session that waits for the peer, and for one that is off.
    state: STATES.includes(bgpState) ? bgpState : bgpState === 'Passive' ? 'Active' : 'Idle',
    since,
  }));
  return { [`peersV${family}`]: peers };
}

function routeOf({ destination, gateway, interface: name, protocol, used }: Route, bird: BirdStatus | null) {
  const session = bird?.sessions.find((session) => session.name === protocol);
  return {
    type: used ? 'FIB' : 'RIB',
    destination,
    gateway: gateway || 'N/A',
    interface: name,
    learnedFrom: {
      sourceType: session ? (session.type === 'mesh' ? 'NodeMesh' : 'BGPPeer') : sourceOf(protocol),
      ...(session && { peerIP: session.peer }),
    },
  };
}

function sourceOf(protocol: string): string {
  if (protocol.startsWith('kernel')) return 'Kernel';
  return protocol.startsWith('direct') ? 'Direct' : 'Static';
}
