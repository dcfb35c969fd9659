/**
 * Addresses a second, assigned automatically from affine blocks of a real etcd on loopback (without fsync): one client, ten
 * clients of ten hosts, ten of one host (who all want the same block). One assignment is two round trips.
 */
import { EtcdStore } from '../src/datastore/etcd/store.ts';
import { RESOURCES } from '../src/datastore/keys.ts';
import { Ipam } from '../src/ipam/index.ts';
import { Etcd, ready } from '../test/system/datastore-etcd.ts';

const MILLISECONDS = 3000;

const etcd = new Etcd();
try {
  await etcd.start();
  await ready(etcd);
  const one = await rate(['h0']);
  const ten = await rate(Array.from({ length: 10 }, (_, i) => `h${i}`));
  const shared = await rate(new Array<string>(10).fill('h0'));
  console.log(JSON.stringify({ bench: 'ipam/assignments a second', one, ten, ten_of_one_host: shared }));
} finally {
  await etcd.remove();
}

/**
 * Assignments a second of all clients together, client i being of host `hosts[i]`: they fill most of their hosts' blocks,
 * then (not timed) everything is released.
 */
async function rate(hosts: readonly string[]): Promise<number> {
  etcd.ctl('del', '--prefix', '/calico/');
  const stores = hosts.map(() => new EtcdStore({ endpoints: [etcd.endpoint] }));
  const spec = { cidr: '10.0.0.0/16', blockSize: 26, nodeSelector: 'all()' };
  await stores[0]?.put(`${RESOURCES}ippools/p`, JSON.stringify({ kind: 'IPPool', metadata: { name: 'p' }, spec }));
  const clients = stores.map((store) => new Ipam(store));
  const each = Math.floor((60 * new Set(hosts).size) / hosts.length);
  const everyone = (action: (ipam: Ipam, host: string, handle: string) => Promise<unknown>) =>
    Promise.all(
      clients.map(async (ipam, client) => {
        for (let i = 0; i < each; i++) await action(ipam, hosts[client] as string, `${client}-${i}`);
      }),
    );
  let spent = 0;
  let count = 0;
  while (spent < MILLISECONDS) {
    const start = performance.now();
    await everyone((ipam, host, handle) => ipam.autoAssign({ host, handle, family: 4, count: 1 }));
    spent += performance.now() - start;
    count += each * clients.length;
    await everyone((ipam, _, handle) => ipam.releaseByHandle(handle));
  }
  await Promise.all(stores.map((store) => store.close()));
  return Math.round((1000 * count) / spent);
}
