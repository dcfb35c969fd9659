/** Which BGP sessions a node has: the mesh and the configured peers. Pure. */
import type { BGPPeer, Node, SecretRef } from '../model/index.ts';
import { contains, type Family, familyOf, type Ip, parseIp, toBigInt } from '../net/index.ts';
import { parseSelector } from '../selector/index.ts';
import { asNumberOf, DEFAULT_PORT, listenPortOf, type Network, settingsOf } from './network.ts';

export interface Session {
  /** As BIRD's protocol is called: `Mesh_10_0_0_2`, `Node_…`, `Global_…`. */
  readonly name: string;
  readonly family: Family;
  /** Absent: the kernel chooses. */
  readonly local?: Ip;
  readonly localAs: number;
  readonly peer: Ip;
  readonly port: number;
  readonly peerAs: number;
  /** Waits for the peer to connect: of two nodes that know each other, one. */
  readonly passive: boolean;
  /** We reflect routes to this peer. */
  readonly reflectorClient: boolean;
  readonly password?: SecretRef;
  readonly nextHop?: 'self' | 'keep';
  /** Seconds. */
  readonly maxRestartTime?: number;
  readonly keepaliveTime?: number;
  readonly allowedLocalAs?: number;
  readonly ttlSecurity?: number;
  readonly reachableBy?: Ip;
  /** Names of BGPFilters. */
  readonly filters: readonly string[];
  /** BFD watches the peer, which is on a network of this node. */
  readonly bfd: boolean;
}

/** Sorted by name; one session an address and port. Empty for a node that is not known. */
export function sessionsOf(network: Network, name: string): Session[] {
  const self = network.nodes.get(name);
  if (!self) return [];
  const sessions = new Map<string, Session>();
  const names = new Set<string>();
  const add = (session: Session) => {
    const key = `${session.peer} ${session.port}`;
    if (sessions.has(key)) return;
    const unique = names.has(session.name) ? { ...session, name: `${session.name}_port_${session.port}` } : session;
    names.add(unique.name);
    sessions.set(key, unique);
  };
  for (const peer of inOrder(network.peers.values())) configured(network, self, peer).forEach(add);
  for (const session of mesh(network, self)) add(session);
  return [...sessions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What speaks of some nodes counts before what speaks of all. */
function inOrder(peers: Iterable<BGPPeer>): BGPPeer[] {
  const key = (peer: BGPPeer) => `${scopeOf(peer) === 'Node' ? 0 : 1} ${peer.id.name}`;
  return [...peers].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function scopeOf(peer: BGPPeer): 'Node' | 'Global' {
  return peer.node !== undefined || peer.nodeSelector ? 'Node' : 'Global';
}

/** Route reflectors are no part of the mesh. */
function mesh(network: Network, self: Node): Session[] {
  const { mesh } = settingsOf(network, self.id.name);
  if (!mesh || clusterIdOf(self)) return [];
  const others = [...network.nodes.values()].filter((node) => node !== self && !clusterIdOf(node));
  return others.flatMap((node) => between(network, self, node, 'Mesh', { ...mesh, filters: [] }));
}

function configured(network: Network, self: Node, peer: BGPPeer): Session[] {
  if (peer.peerSelector) return toNodes(network, self, peer, peer.peerSelector);
  if (!peer.peerIp || !selects(peer)(self)) return [];
  const local = addressOf(self, familyOf(peer.peerIp));
  if (!local || local === peer.peerIp) return [];
  const node = [...network.nodes.values()].find(({ ipv4, ipv6 }) => ipv4 === peer.peerIp || ipv6 === peer.peerIp);
  const peerAs = peer.asNumber ?? (node && asNumberOf(network, node.id.name));
  if (peerAs === undefined) return [];
  const options = optionsOf(peer);
  return [
    {
      ...options,
      ...named(scopeOf(peer), peer.peerIp),
      ...(!peer.anySource && { local }),
      localAs: peer.localAsNumber ?? asNumberOf(network, self.id.name),
      port: peer.peerPort ?? (node ? listenPortOf(network, node.id.name) : DEFAULT_PORT),
      peerAs,
      passive: false,
      reflectorClient: reflects(network, self, node, peerAs),
      bfd: Boolean(peer.bfd) && isNear(self, peer.peerIp),
    },
  ];
}

/** Both ends need the session, and only one of them is selected as the node that has the peer. */
function toNodes(network: Network, self: Node, peer: BGPPeer, peerSelector: string): Session[] {
  const [isNode, isPeer] = [selects(peer), matcher(peerSelector)];
  const [near, far] = [isNode(self), isPeer(self) && !peer.oneWay];
  if (!near && !far) return [];
  const others = [...network.nodes.values()].filter(
    (node) => node !== self && ((near && isPeer(node)) || (far && isNode(node))),
  );
  const local = peer.localAsNumber === undefined ? {} : { localAs: peer.localAsNumber };
  return others.flatMap((node) =>
    between(network, self, node, scopeOf(peer), { ...optionsOf(peer), ...local, oneWay: peer.oneWay, bfd: peer.bfd }),
  );
}

type Between = Pick<Session, 'filters'> &
  Partial<Pick<Session, 'password' | 'maxRestartTime' | 'localAs'>> & {
    readonly oneWay?: boolean | undefined;
    readonly bfd?: boolean | undefined;
  };

/** The sessions of two nodes of this cluster, one a family that both have. */
function between(network: Network, self: Node, node: Node, scope: string, options: Between): Session[] {
  const { oneWay, bfd, ...rest } = options;
  const peerAs = asNumberOf(network, node.id.name);
  return ([4, 6] as const).flatMap((family) => {
    const [local, peer] = [addressOf(self, family), addressOf(node, family)];
    if (!local || !peer || local === peer) return [];
    return {
      localAs: asNumberOf(network, self.id.name),
      ...rest,
      ...named(scope, peer),
      local,
      port: listenPortOf(network, node.id.name),
      peerAs,
      // Where the other end is made by hand, nobody knows whether it waits.
      passive: !oneWay && toBigInt(local) < toBigInt(peer),
      reflectorClient: reflects(network, self, node, peerAs),
      bfd: Boolean(bfd) && isNear(self, peer),
    };
  });
}

function optionsOf(peer: BGPPeer) {
  const { password, nextHop, maxRestartTime, keepaliveTime, allowedLocalAs, ttlSecurity, reachableBy } = peer;
  return {
    filters: peer.filters ?? [],
    ...(password && { password }),
    ...(nextHop && { nextHop }),
    ...(maxRestartTime && { maxRestartTime }),
    ...(keepaliveTime && { keepaliveTime }),
    ...(allowedLocalAs && { allowedLocalAs }),
    ...(ttlSecurity && { ttlSecurity }),
    ...(reachableBy && { reachableBy }),
  };
}

function named(scope: string, peer: Ip) {
  return { name: `${scope}_${peer.replace(/[.:]/g, '_')}`, family: familyOf(peer), peer };
}

/** A reflector's peers of the same AS are its clients, but for the other reflectors of its cluster. */
function reflects(network: Network, self: Node, node: Node | undefined, peerAs: number): boolean {
  const cluster = clusterIdOf(self);
  if (!cluster || peerAs !== asNumberOf(network, self.id.name)) return false;
  return !node || clusterIdOf(node) !== cluster;
}

/** A route reflector's cluster: four numbers. What is no such thing makes no reflector. */
export function clusterIdOf({ routeReflectorClusterId: id }: Node): string | undefined {
  return id !== undefined && !id.includes(':') && parseIp(id) ? id : undefined;
}

/** Is the peer one of this node's? */
function selects(peer: BGPPeer): (node: Node) => boolean {
  if (peer.node !== undefined) return (node) => peer.node === node.id.name;
  return peer.nodeSelector ? matcher(peer.nodeSelector) : () => true;
}

function matcher(selector: string): (node: Node) => boolean {
  const parsed = parseSelector(selector);
  return (node) => parsed.evaluate((label) => node.labels[label]);
}

function addressOf(node: Node, family: Family): Ip | undefined {
  return family === 4 ? node.ipv4 : node.ipv6;
}

function isNear(self: Node, peer: Ip): boolean {
  const net = familyOf(peer) === 4 ? self.ipv4Net : self.ipv6Net;
  return net !== undefined && contains(net, peer);
}
