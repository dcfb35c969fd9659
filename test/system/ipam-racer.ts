/**
 * One client of a race for addresses, to be killed at any moment: takes and gives back addresses of few, as a host's workloads
 * would. `node ipam-racer.ts ENDPOINT HOST LEDGER OPERATIONS`; it starts when its input has a line.
 *
 * The ledger is appended to by all: `+address host` when an address has been given, `-address host` before it is given back. So
 * in its order no address is ever two's.
 */
import { appendFileSync } from 'node:fs';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { RESOURCES } from '../../src/datastore/keys.ts';
import { CalicoError } from '../../src/errors/index.ts';
import { Ipam } from '../../src/ipam/index.ts';
import type { Ip } from '../../src/net/index.ts';

const [endpoint = '', host = '', ledger = '', operations = '0'] = process.argv.slice(2);
/** 20 starts at once may take a busy machine long; what etcd does not answer in time is no question here. */
const PATIENCE = 120_000;
const store = new EtcdStore({ endpoints: [endpoint], timeout: PATIENCE });
const ipam = new Ipam(store, { form: Math.random() < 0.5 ? 'v3.15' : 'v3.34' });
/** Handle → address. */
const held = new Map<string, Ip>();

await store.get('/');
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
for (let i = 0; i < Number(operations); i++) {
  if (held.size > 0 && Math.random() < 0.4) await giveBack();
  else await take(`${host}-${i}`);
}
process.exit(0);

async function take(handle: string): Promise<void> {
  const attributes = { node: host, namespace: 'race', pod: handle };
  const { assignments } = await ipam.autoAssign({ host, handle, attributes, family: 4, count: 1 });
  const address = assignments[0]?.address;
  if (!address) return;
  appendFileSync(ledger, `+${address} ${host}\n`);
  held.set(handle, address);
  const spec = { node: host, orchestrator: 'k8s', pod: handle, endpoint: 'eth0', ipNetworks: [`${address}/32`] };
  await store.put(endpointKey(handle), JSON.stringify({ kind: 'WorkloadEndpoint', metadata: { name: handle }, spec }));
}

async function giveBack(): Promise<void> {
  const [handle, address] = [...held][Math.floor(Math.random() * held.size)] as [string, Ip];
  await store.delete(endpointKey(handle));
  appendFileSync(ledger, `-${address} ${host}\n`);
  if (Math.random() < 0.5) await ipam.releaseByHandle(handle);
  else {
    const unused = await ipam.release([{ address, handle }]);
    if (unused.length > 0) throw new CalicoError('E_INTERNAL', address, 'was not given any more');
  }
  held.delete(handle);
}

function endpointKey(handle: string): string {
  return `${RESOURCES}workloadendpoints/race/${handle}`;
}
