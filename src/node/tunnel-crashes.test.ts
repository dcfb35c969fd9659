/**
 * Wherever it is interrupted: what a Node names is allocated to that node (else somebody else would get it, too), and the
 * next try ends with one address, or none, and nothing left over.
 */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Client, MemoryStore, type Store } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { Ipam } from '../ipam/index.ts';
import { ip } from '../net/index.ts';
import { TunnelAddresses } from './tunnel-addresses.ts';

const HANDLE = 'vxlan-tunnel-addr-n1';
const WRITES = new Set(['create', 'put', 'update', 'delete', 'transact']);

/** The store of a process that dies at its `last` write: before it, or after, and then does nothing more. */
function dying(store: MemoryStore, last: number, after: boolean): Store {
  let writes = 0;
  return new Proxy<Store>(store, {
    get(target, name: keyof Store) {
      const method = (target[name] as (...args: unknown[]) => unknown).bind(target);
      if (!WRITES.has(name)) return (...args: unknown[]) => (writes > last ? dead() : method(...args));
      return async (...args: unknown[]) => {
        writes++;
        if (writes < last) return method(...args);
        if (writes === last && after) await method(...args);
        writes = last + 1;
        return dead();
      };
    },
  });
}

function dead(): Promise<never> {
  return Promise.reject(new CalicoError('E_DATASTORE', 'etcd', 'does not answer'));
}

const reconcile = (store: Store) =>
  new TunnelAddresses({
    client: new Client(store),
    ipam: new Ipam(store),
    node: 'n1',
    log: pino({ level: 'silent' }),
  }).reconcile();

interface Change {
  readonly pools: Record<string, Record<string, unknown>>;
  readonly needs: RegExp | null;
}

const ALWAYS = { vxlanMode: 'Always' };
const FIRST: Change = { pools: { a: { cidr: '10.1.0.0/26', ...ALWAYS } }, needs: /^10\.1\./ };
const CHANGES: Record<string, Change> = {
  'the first pool': FIRST,
  'another pool': { pools: { a: { disabled: true }, b: { cidr: '10.2.0.0/26', ...ALWAYS } }, needs: /^10\.2\./ },
  'no pool any more': { pools: { a: { vxlanMode: 'Never' } }, needs: null },
};

async function apply(client: Client, { pools }: Change): Promise<void> {
  for (const [name, fields] of Object.entries(pools)) {
    const current = await client.find('IPPool', name);
    if (current) await client.update({ ...current, spec: { ...current.spec, ...fields } });
    else await client.create({ apiVersion: 'projectcalico.org/v3', kind: 'IPPool', metadata: { name }, spec: fields });
  }
}

async function named(client: Client): Promise<string | undefined> {
  return (await client.get('Node', 'n1')).spec?.ipv4VXLANTunnelAddr as string | undefined;
}

/** A datastore with the node, before the change. */
async function prepared(change: Change): Promise<MemoryStore> {
  const store = new MemoryStore();
  const client = new Client(store);
  await client.create({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name: 'n1' }, spec: {} });
  if (change !== FIRST) {
    await apply(client, FIRST);
    await reconcile(store);
  }
  await apply(client, change);
  return store;
}

test.each(Object.entries(CHANGES))('%s', async (_, change) => {
  let interrupted = 0;
  for (let last = 1; ; last++) {
    const outcomes: boolean[] = [];
    for (const after of [false, true]) {
      const store = await prepared(change);
      const client = new Client(store);
      const ipam = new Ipam(store);
      outcomes.push(
        await reconcile(dying(store, last, after)).then(
          () => true,
          () => false,
        ),
      );
      const between = await named(client);
      if (between) expect((await ipam.ownerOf(ip(between))).handle, `write ${last}, ${after}`).toBe(HANDLE);

      await reconcile(store);
      const address = await named(client);
      const has = await ipam.addressesOf(HANDLE).catch(() => []);
      expect(has).toEqual(address ? [address] : []);
      if (change.needs) expect(address).toMatch(change.needs);
      else expect(address).toBeUndefined();
    }
    if (outcomes.every(Boolean)) break;
    interrupted++;
  }
  expect(interrupted).toBeGreaterThan(1);
});
