/** Which BGP sessions a node has: the mesh and the configured peers. Pure. */
import type { BGPPeer, Node } from '../model/index.ts';
import { type Family, familyOf, type Ip, toBigInt } from '../net/index.ts';
import { parseSelector } from '../selector/index.ts';
import { type Network, settingsOf } from './network.ts';

export interface Session {
  /** As BIRD's protocol is called: `Mesh_10_0_0_2`, `Node_…`, `Global_…`. */
  readonly name: string;
  readonly family: Family;
  readonly local: Ip;
  readonly peer: Ip;
  readonly port: number;
  readonly peerAs: number;
  /** Waits for the peer to connect: of two nodes that know each other, one. */
  readonly passive: boolean;
  /** We reflect routes to this peer. */
  readonly reflectorClient: boolean;
}

/** Sorted by name; one session an address. Empty for a node that is not known. */
export function sessionsOf(network: Network, name: string): Session[] {
  const self = network.nodes.get(name);
  if (!self) return [];
  const sessions = new Map<string, Session>();
  const add = (session: Session | null) => {
    if (session && !sessions.has(`${session.peer} ${session.port}`))
      sessions.set(`${session.peer} ${session.port}`, session);
  };
  for (const peer of network.peers.values()) for (const session of configured(network, self, peer)) add(session);
  for (const node of meshOf(network, self))
    for (const family of [4, 6] as const) add(between(network, self, node, family, 'Mesh'));
  return [...sessions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Route reflectors are no part of the mesh. */
function meshOf(network: Network, self: Node): Node[] {
  if (!settingsOf(network, self.id.name).mesh || self.routeReflectorClusterId) return [];
  return [...network.nodes.values()].filter((node) => node !== self && !node.routeReflectorClusterId);
}

function configured(network: Network, self: Node, peer: BGPPeer): (Session | null)[] {
  const scope = peer.node !== undefined || peer.nodeSelector ? 'Node' : 'Global';
  if (peer.peerSelector) {
    // Both ends need the session, and only one of them is selected as the node that has the peer.
    const near = selects(peer, self);
    const far = matches(peer.peerSelector, self);
    const others = [...network.nodes.values()].filter(
      (node) => node !== self && ((near && matches(peer.peerSelector, node)) || (far && selects(peer, node))),
    );
    return others.flatMap((node) => ([4, 6] as const).map((family) => between(network, self, node, family, scope)));
  }
  if (!peer.peerIp || !selects(peer, self)) return [];
  const local = addressOf(self, familyOf(peer.peerIp));
  if (!local || local === peer.peerIp) return [];
  const node = [...network.nodes.values()].find(({ ipv4, ipv6 }) => ipv4 === peer.peerIp || ipv6 === peer.peerIp);
  const peerAs = peer.asNumber ?? (node ? settingsOf(network, node.id.name).asNumber : undefined);
  if (peerAs === undefined) return [];
  return [
    {
      ...named(scope, local, peer.peerIp),
      port: peer.peerPort ?? (node ? settingsOf(network, node.id.name).listenPort : 179),
      peerAs,
      passive: false,
      reflectorClient: reflects(network, self, node, peerAs),
    },
  ];
}

function between(network: Network, self: Node, node: Node, family: Family, scope: string): Session | null {
  const [local, peer] = [addressOf(self, family), addressOf(node, family)];
  if (!local || !peer || local === peer) return null;
  const { asNumber, listenPort } = settingsOf(network, node.id.name);
  return {
    ...named(scope, local, peer),
    port: listenPort,
    peerAs: asNumber,
    passive: toBigInt(local) < toBigInt(peer),
    reflectorClient: reflects(network, self, node, asNumber),
  };
}

function named(scope: string, local: Ip, peer: Ip) {
  return { name: `${scope}_${peer.replace(/[.:]/g, '_')}`, family: familyOf(peer), local, peer };
}

/** A reflector's peers of the same AS are its clients, but for the other reflectors of its cluster. */
function reflects(network: Network, self: Node, node: Node | undefined, peerAs: number): boolean {
  const cluster = self.routeReflectorClusterId;
  if (!cluster || peerAs !== settingsOf(network, self.id.name).asNumber) return false;
  return node?.routeReflectorClusterId !== cluster;
}

/** Is the peer one of this node's? */
function selects(peer: BGPPeer, node: Node): boolean {
  if (peer.node !== undefined) return peer.node === node.id.name;
  return !peer.nodeSelector || matches(peer.nodeSelector, node);
}

function matches(selector: string | undefined, node: Node): boolean {
  return selector !== undefined && parseSelector(selector).evaluate((label) => node.labels[label]);
}

function addressOf(node: Node, family: Family): Ip | undefined {
  return family === 4 ? node.ipv4 : node.ipv6;
}
