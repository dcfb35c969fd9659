/** explain: addresses that change on the way, host endpoints, the list of an endpoint's policies. */
import { expect, it } from 'vitest';
import { terminal } from '../testing/terminal.ts';
import { readSaved } from './saved-counters.ts';

const CLUSTER = `
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: open}
spec: {egress: [{action: Allow}], ingress: [{action: Allow}]}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: h1}
spec: {bgp: {ipv4Address: 172.30.0.11/24}}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: h2}
spec: {bgp: {ipv4Address: 172.30.0.12/24}}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pool}
spec: {cidr: 10.65.0.0/16, natOutgoing: true}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: h1-lab-web-eth0, namespace: default, labels: {app: web}}
spec: {node: h1, orchestrator: lab, workload: web, endpoint: eth0, interfaceName: caliweb, ipNetworks: [10.65.0.1/32], profiles: [open]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: h2-lab-db-eth0, namespace: default, labels: {app: db}}
spec:
  node: h2
  orchestrator: lab
  workload: db
  endpoint: eth0
  interfaceName: calidb
  ipNetworks: [10.65.0.2/32]
  ipNATs: [{internalIP: 10.65.0.2, externalIP: 192.0.2.7}]
  profiles: [open]
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: h2-eth1, labels: {role: host}}
spec: {node: h2, interfaceName: eth1, expectedIPs: [172.30.0.12]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: hosts}
spec:
  selector: role == 'host'
  order: 10
  ingress:
    - {action: Deny, protocol: TCP, source: {nets: [172.30.0.11/32]}, destination: {ports: [8080]}}
    - {action: Allow, protocol: TCP, destination: {ports: [8080]}}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: first, namespace: default}
spec:
  selector: app == 'db'
  order: 1
  ingress: [{action: Deny, source: {selector: app == 'bad'}}]
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: second, namespace: default}
spec:
  selector: app == 'db'
  order: 2
  ingress: [{action: Allow, protocol: TCP, destination: {ports: [5432]}}]
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: third, namespace: default}
spec: {selector: app == 'db', order: 3, ingress: [{action: Deny}]}
`;

async function explain(...argv: string[]): Promise<string> {
  const calicoctl = terminal();
  expect((await calicoctl.call(['apply', '-f', '-'], CLUSTER)).exit).toBe(0);
  const { exit, out } = await calicoctl.call(['explain', ...argv]);
  expect(exit, out).toBe(0);
  return out.trim();
}

const lastLine = (text: string) => text.split('\n').at(-1);

it('follows a floating IP to its workload', async () => {
  const text = await explain('--from', '203.0.113.9', '--to', '192.0.2.7', '--port', '5432');
  expect(text).toContain('destination becomes 10.65.0.2');
  expect(lastLine(text)).toBe('ALLOWED on h2 by NetworkPolicy default/second, ingress rule 0 (allow)');
});

it("another host sees the source host's address, because NAT-outgoing translated the packet", async () => {
  const text = await explain('--from', 'web', '--to', '172.30.0.12', '--port', '8080');
  expect(text).toContain('source becomes 172.30.0.11');
  expect(lastLine(text)).toBe('DENIED on h2 by GlobalNetworkPolicy hosts, ingress rule 0 (deny)');
});

it("asks the host endpoint that has the node's address", async () => {
  const text = await explain('--from', '203.0.113.9', '--to', 'h2', '--port', '8080');
  expect(lastLine(text)).toBe('ALLOWED on h2 by GlobalNetworkPolicy hosts, ingress rule 1 (allow)');
  expect(lastLine(await explain('--from', '203.0.113.9', '--to', 'h2', '--port', '22'))).toBe(
    'ALLOWED on h2 by a failsafe port',
  );
});

it('says with --all what each policy did, those that were not reached included', async () => {
  const text = await explain('--from', 'web', '--to', 'db', '--port', '5432', '--all');
  expect(text).toContain(
    [
      '  WorkloadEndpoint default/h2-lab-db-eth0, ingress (filter)',
      '    tier default: NetworkPolicy default/first: no match',
      '    tier default: NetworkPolicy default/second: rule 0 (allow)',
      '    tier default: NetworkPolicy default/third: not reached',
      '    Profile open: not reached',
    ].join('\n'),
  );
});

it('lists the policies of one endpoint, with their rules in words', async () => {
  const text = await explain('--to', 'db', '--all');
  expect(text).toContain(
    [
      'WorkloadEndpoint default/h2-lab-db-eth0, ingress',
      '  tier default',
      '    NetworkPolicy default/first, order 1',
    ].join('\n'),
  );
  expect(text).toContain("0. deny from (projectcalico.org/namespace == 'default') && (app == 'bad')");
  expect(text).toContain('0. allow tcp to ports 5432');
  expect(await explain('--to', 'h2', '--all')).toContain('HostEndpoint h2-eth1, ingress (forwarded)\n  no policy');
});

it('speaks JSON', async () => {
  const report = JSON.parse(await explain('--from', 'web', '--to', '192.0.2.7', '--port', '5432', '-o', 'json'));
  expect(report).toMatchObject({
    verdict: 'allowed',
    hops: [
      { host: 'h1', verdict: 'allowed' },
      { host: 'h2', verdict: 'allowed', translations: [{ type: 'dnat', to: '10.65.0.2' }] },
    ],
  });
  expect(report.hops[1].policies.at(-1).answers.map((a: { said: string }) => a.said)).toEqual([
    'no match',
    'allow',
    'not reached',
    'not reached',
  ]);
});

it('a packet to oneself meets nobody, ICMP has types, options are checked', async () => {
  expect(lastLine(await explain('--from', 'web', '--to', 'web', '--port', '80'))).toMatch(/never leaves/);
  const ping = await explain('--from', 'web', '--to', 'db', '--protocol', 'icmp', '--icmp', '3/1');
  expect(ping).toMatch(/^ICMP type 3 code 1 from/);
});

it('reads the counters of our rules, and what others have', () => {
  const saved = readSaved(
    [
      '*filter',
      ':FORWARD DROP [1:2]',
      ':cali-FORWARD - [0:0]',
      '[3:180] -A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD',
      '[4:240] -A FORWARD -j DOCKER-USER',
      'COMMIT',
    ].join('\n'),
  );
  expect(saved.counters.get('wUHhoiAYhphO9Mso')).toEqual({ packets: 3, bytes: 180 });
  expect(saved.foreign.map(({ table, text }) => `${table} ${text}`)).toEqual([
    'filter policy DROP of FORWARD',
    'filter -A FORWARD -j DOCKER-USER',
  ]);
});
