/** A packet as the evaluator sees it, with everything that a rule may ask about it made explicit. */
import type { Family, Ip, Protocol } from '../net/index.ts';
import type { ConntrackState, Mark } from './chain.ts';

export interface Packet {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly source: Ip;
  readonly destination: Ip;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** Absent: sent by the host itself. */
  readonly inInterface?: string;
  readonly conntrack: ConntrackState;
  /** The destination before DNAT, when DNAT has changed it in this connection. */
  readonly originalDestination?: Ip;
  readonly marks: ReadonlySet<Mark>;
}

/** What the host's kernel would answer while it carries the packet. */
export interface World {
  /** Is the address (or `address,proto:port`) in the set? */
  inSet(set: string, member: { readonly address: Ip; readonly protocol?: Protocol; readonly port?: number }): boolean;
  /** Is the address one of this host's own (of this interface, when one is given)? */
  isLocal(address: Ip, interfaceName?: string): boolean;
  /** The interface by which a packet to this address leaves; null: no route. */
  route(destination: Ip): string | null;
}
