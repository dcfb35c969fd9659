/** What the kernel tells unasked: links, addresses and routes that come, change and go. */
import { decodeAddress, decodeLink, type Link, type LinkAddress } from './link.ts';
import { messages } from './message.ts';
import { decodeRoute, type KernelRoute } from './route.ts';
import { RTM_DELADDR, RTM_DELLINK, RTM_DELROUTE } from './rtnetlink.ts';

export type KernelEvent =
  | { readonly type: 'link' | 'link-gone'; readonly link: Link }
  | { readonly type: 'address' | 'address-gone'; readonly address: LinkAddress }
  | { readonly type: 'route' | 'route-gone'; readonly route: KernelRoute }
  /** Some were lost: read everything anew. */
  | { readonly type: 'overrun' };

/** The events of a datagram. Changes of routes that the socket with `ownPort` made are left out. */
export function* decodeEvents(datagram: Buffer, ownPort: number): Generator<KernelEvent> {
  for (const message of messages(datagram)) {
    const link = decodeLink(message);
    if (link) yield { type: message.type === RTM_DELLINK ? 'link-gone' : 'link', link };
    const address = link ? null : decodeAddress(message);
    if (address) yield { type: message.type === RTM_DELADDR ? 'address-gone' : 'address', address };
    if (link || address || (ownPort !== 0 && message.port === ownPort)) continue;
    const route = decodeRoute(message);
    if (route) yield { type: message.type === RTM_DELROUTE ? 'route-gone' : 'route', route };
  }
}
