/**
 * The start of a node: what the datastore must have before Felix and BIRD do their work. In upstream's order:
 *
 *     name ─► Node: addresses, AS number, reference ─► default pools ─► ClusterInformation, FelixConfiguration ─► nodename
 *
 * Whatever is there already stays, so that any number of nodes may start at once, and again.
 */
import type { Resource } from '../api/index.ts';
import type { Client } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { cidrOf } from '../net/index.ts';
import { type Addresses, chooseAddresses, isAutodetected, type Look } from './addresses.ts';
import { change } from './change.ts';
import { conflicts } from './conflicts.ts';
import { ensureDefaults } from './defaults.ts';
import { defaultPools, type Surroundings } from './pools.ts';
import { addressesOf, configured, withField } from './resource.ts';
import { flag } from './variables.ts';

export interface Start extends Look {
  readonly name: string;
  readonly client: Client;
}

/** E_CONFIG, E_NOT_FOUND, E_CONFLICT, E_INVALID, E_DATASTORE: the node must not run. */
export async function start(start: Start, around: Omit<Surroundings, 'networks'>): Promise<void> {
  await configureNode(start);
  await ensurePools(start, around);
  await ensureDefaults(start);
}

/** Gives the Node its addresses, and the rest that the environment says of it. Resolves to the Node as it is stored. */
export async function configureNode(start: Start): Promise<Resource> {
  const { client, env, name } = start;
  return change(client, 'Node', name, async (current) => {
    // Whoever deletes the Node of a running host means it.
    if (start.again && !current.metadata.resourceVersion)
      throw new CalicoError('E_NOT_FOUND', `Node ${name}`, 'does not exist any more', {
        hint: 'starting calico-node again makes a new one',
      });
    if (env.CALICO_NETWORKING_BACKEND === 'none') return configured(current, env, null);
    const stored = addressesOf(current);
    const chosen = await chooseAddresses(start, stored);
    if (chosen.ipv4 !== stored.ipv4 || chosen.ipv6 !== stored.ipv6) await check(start, current, stored, chosen);
    return configured(current, env, chosen);
  });
}

/** Throws E_CONFLICT where another node has one of the addresses. */
async function check(start: Start, node: Resource, stored: Addresses, chosen: Addresses): Promise<void> {
  const { client, env, name, log } = start;
  if (stored.ipv4 || stored.ipv6)
    log.warn(
      { node: name, before: stored, now: chosen },
      "the node's address changes: does another host go by its name?",
    );
  if (flag(env, 'DISABLE_NODE_IP_CHECK', false)) return;
  const found = conflicts(name, chosen, (await client.list('Node')).items);
  const [first] = found;
  if (!first) return;
  // What was found last time is this host's no more: the node that has it now may need it.
  const gone = found.filter(({ family }) => isAutodetected(env, family)).map(({ family }) => `bgp.ipv${family}Address`);
  if (node.metadata.resourceVersion && gone.length > 0)
    await client.update(gone.reduce((without, field) => withField(without, field, undefined), node));
  for (const { error } of found.slice(1)) log.error({ subject: error.subject, hint: error.hint }, error.message);
  throw first.error;
}

async function ensurePools({ client, env, host, log }: Start, around: Omit<Surroundings, 'networks'>): Promise<void> {
  const networks = host
    .interfaces()
    .flatMap(({ addresses }) => addresses.map(({ address, prefixLength }) => cidrOf(address, prefixLength)));
  const { items } = await client.list('IPPool');
  for (const pool of defaultPools(env, items, { ...around, networks })) {
    try {
      await client.create(pool);
      log.info({ pool: pool.metadata.name, ...pool.spec }, 'made a default pool');
    } catch (error) {
      if (!(error instanceof CalicoError && error.code === 'E_EXISTS')) throw error; // another node was quicker
    }
  }
}
