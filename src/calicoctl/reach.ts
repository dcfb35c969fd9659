/** No change of BGP's configuration takes this host its last session by mistake: whoever means it says --force. */
import { hostname } from 'node:os';
import { NetworkState } from '../bgp/network.ts';
import { openSessions } from '../bgp/reach.ts';
import { Client, decode, resourceKey, type Store } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { nodeName } from '../node/name.ts';
import type { Io } from './io.ts';
import { StagedStore } from './staging/staged-store.ts';

/** What decides about sessions. */
const PLURALS = { BGPConfiguration: 'bgpconfigurations', BGPFilter: 'bgpfilters', BGPPeer: 'bgppeers', Node: 'nodes' };

/**
 * Does `work`, which is about these kinds, to a copy of the datastore. E_REFUSED: this host, a node with BGP sessions now,
 * would have none afterwards. To delete its Node is no mistake.
 */
export async function checkReach(
  io: Io,
  client: Client,
  kinds: readonly string[],
  work: (client: Client) => Promise<unknown>,
): Promise<void> {
  if (!kinds.some((kind) => Object.hasOwn(PLURALS, kind))) return;
  const node = nodeName(io.env, hostname());
  const key = resourceKey(PLURALS.Node, node);
  if (!(await client.store.get(key))) return;
  const staged = new StagedStore(client.store);
  await work(new Client(staged)).catch(() => {}); // what fails is told when it is done in earnest
  if (!(await staged.get(key))) return;
  const [before, after] = [await sessionsIn(client.store, node), await sessionsIn(staged, node)];
  if (before === 0 || after > 0) return;
  throw new CalicoError('E_REFUSED', `Node ${node}`, `this host would have no BGP session left; it has ${before}`, {
    hint: 'with --force it is done all the same',
  });
}

async function sessionsIn(store: Store, node: string): Promise<number> {
  const network = new NetworkState(node);
  for (const plural of Object.values(PLURALS)) {
    const { items } = await store.list(resourceKey(plural, ''));
    network.apply(items.map(({ key, value }) => decode(key, value)).filter((update) => update !== null));
  }
  return openSessions(network, node);
}
