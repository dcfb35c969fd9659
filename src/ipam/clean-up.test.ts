import { expect, it } from 'vitest';
import { MemoryStore } from '../datastore/memory/store.ts';
import { ip } from '../net/index.ts';
import { Ipam, releaseNode, retirePool } from './index.ts';

const ROOT = '/calico/resources/v3/projectcalico.org/';

async function cluster() {
  const store = new MemoryStore();
  const put = (path: string, spec: object) => store.put(`${ROOT}${path}`, JSON.stringify({ metadata: {}, spec }));
  await put('ippools/p', { cidr: '10.0.0.0/26', blockSize: 29, nodeSelector: 'all()' });
  const ipam = new Ipam(store);
  for (const host of ['n1', 'n2']) {
    const of = { host, family: 4, count: 1 } as const;
    const [pod, tunnel] = [
      await ipam.autoAssign({ ...of, handle: `pod-${host}` }),
      await ipam.autoAssign({ ...of, handle: `tunnel-${host}` }),
    ].map(({ assignments }) => assignments[0]?.address);
    await put(`workloadendpoints/default/w-${host}`, { node: host, ipNetworks: [`${pod}/32`] });
    await put(`nodes/${host}`, { bgp: { ipv4IPIPTunnelAddr: tunnel, ipv4Address: '192.0.2.1/24' } });
  }
  return { store, ipam };
}

it('a node that goes takes its workloads’ and tunnels’ addresses and its blocks along, and nobody else’s', async () => {
  const { store, ipam } = await cluster();
  await releaseNode(store, 'n1');
  const { items } = await store.list('/calico/ipam/v2/');
  expect(items.map(({ key }) => key.slice('/calico/ipam/v2/'.length)).sort()).toEqual([
    expect.stringMatching(/^assignment/),
    'handle/pod-n2',
    'handle/tunnel-n2',
    expect.stringMatching(/^host\/n2/),
  ]);
  expect(await ipam.addressesOf('pod-n2')).toHaveLength(1);
  await releaseNode(store, 'none');
});

it('a pool that goes gives nothing; what is given of it stays until it is released', async () => {
  const { store, ipam } = await cluster();
  await expect(retirePool(store, 'p', '1')).rejects.toMatchObject({ code: 'E_CONFLICT' });
  const revision = await retirePool(store, 'p');
  expect(await retirePool(store, 'p', revision)).toBe(revision);
  const [pool] = (await store.list(`${ROOT}ippools/`)).items;
  expect(JSON.parse(pool?.value ?? '').spec).toMatchObject({ disabled: true });
  await expect(ipam.autoAssign({ host: 'n1', family: 4, count: 1 })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  await store.delete(pool?.key ?? '');
  for (const handle of ['pod-n1', 'pod-n2', 'tunnel-n1']) await ipam.releaseByHandle(handle);
  const [last] = await ipam.addressesOf('tunnel-n2');
  expect(await ipam.release([last ?? ip('10.0.0.0')])).toEqual([]);
  expect((await store.list('/calico/ipam/')).items).toEqual([]);
});
