/**
 * Changes policies, sets and endpoints for as long as it runs, none of which changes what the live lab's packets may do:
 * `churn.ts ENDPOINT`, in a namespace that reaches etcd. It ends, and says how often it wrote, when its input ends.
 */
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { endpoint, POLICIES } from './live-lab.ts';

const ROOT = '/calico/resources/v3/projectcalico.org';
const PAUSE = 30; // ms between writes
const MANY = 8;

const store = new EtcdStore({ endpoints: [process.argv[2] as string] });
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();

const others = (i: number) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name: `default.other-${i}` },
  spec: {
    order: i,
    selector: "role == 'server'",
    types: ['Ingress'],
    ingress: [
      {
        action: 'Deny',
        protocol: 'TCP',
        destination: { ports: [1 + i] },
        source: { selector: `app == 'passing${i}'` },
      },
      { action: 'Allow', source: { nets: [`192.0.2.${i}/32`] } },
    ],
  },
});

/** The policy that decides, written otherwise. */
const rewrite = (round: number) => {
  const policy = POLICIES[round % 2] as (typeof POLICIES)[number];
  const stored = { ...policy, metadata: { ...policy.metadata, name: 'default.only-the-client' } };
  return store.put(`${ROOT}/globalnetworkpolicies/default.only-the-client`, JSON.stringify(stored));
};

let writes = 0;
for (let round = 0; !ended; round++) {
  const i = round % MANY;
  const host = i % 2 === 0 ? 'h1' : 'h2';
  const passing = endpoint(`passing${i}`, host, `cali10${i}`, [`10.65.1.${i}`, `fd00:65:1::${i + 1}`]);
  const endpointKey = `${ROOT}/workloadendpoints/default/${host}-lab-passing${i}-eth0`;
  const policyKey = `${ROOT}/globalnetworkpolicies/default.other-${i}`;
  const coming = Math.floor(round / MANY) % 2 === 0;
  const steps = [
    () => (coming ? store.put(policyKey, JSON.stringify(others(i))) : store.delete(policyKey)),
    () => (coming ? store.put(endpointKey, JSON.stringify(passing)) : store.delete(endpointKey)),
    () => rewrite(round),
  ];
  for (const step of steps) {
    await step();
    writes++;
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}
await store.close();
console.log(writes);
