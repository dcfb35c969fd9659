/** explain: QoS controls of workloads. */
import { expect, it } from 'vitest';
import { terminal } from '../testing/terminal.ts';

const CLUSTER = `
apiVersion: projectcalico.org/v3
kind: Profile
metadata: {name: open}
spec: {egress: [{action: Allow}], ingress: [{action: Allow}]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: h1-lab-web-eth0, namespace: default}
spec:
  node: h1
  orchestrator: lab
  workload: web
  endpoint: eth0
  interfaceName: caliweb
  ipNetworks: [10.65.0.1/32]
  profiles: [open]
  qosControls: {egressPacketRate: 100, ingressMaxConnections: 3, ingressBandwidth: 1000000, dscp: EF}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: h1-lab-db-eth0, namespace: default}
spec:
  node: h1
  orchestrator: lab
  workload: db
  endpoint: eth0
  interfaceName: calidb
  ipNetworks: [10.65.0.2/32]
  profiles: [open]
`;

async function explain(...argv: string[]): Promise<string> {
  const calicoctl = terminal();
  expect((await calicoctl.call(['apply', '-f', '-'], CLUSTER)).exit).toBe(0);
  const { exit, out } = await calicoctl.call(['explain', ...argv]);
  expect(exit, out).toBe(0);
  return out.trim();
}

const limitLines = (text: string) => text.split('\n').filter((line) => line.includes('if it is within'));

it('names the limits that a packet must be within', async () => {
  const from = await explain('--from', 'default/web', '--to', 'default/db', '--port', '80');
  expect(limitLines(from)).toEqual([
    '  filter cali-fw-caliweb: if it is within the egress limit of 100 packets a second (5 at once) of WorkloadEndpoint default/h1-lab-web-eth0',
  ]);
  expect(from).toContain('mangle cali-dscp-46: it gets the code point (DSCP) of its workload');
  expect(from.split('\n').at(-1)).toMatch(/^ALLOWED on h1 by Profile open/);
  expect(limitLines(await explain('--from', 'default/db', '--to', 'default/web', '--port', '80'))).toEqual([
    '  filter cali-tw-caliweb: if it is within the ingress limit of 3 TCP connections of WorkloadEndpoint default/h1-lab-web-eth0',
  ]);
  const udp = await explain('--from', 'default/db', '--to', 'default/web', '--protocol', 'udp', '--port', '80');
  expect(limitLines(udp)).toEqual([]);
});

it('tells them as JSON, too', async () => {
  const report = JSON.parse(await explain('--from', 'default/web', '--to', 'default/db', '--port', '80', '-o', 'json'));
  expect(report.hops[0].limits).toEqual([
    {
      table: 'filter',
      chain: 'cali-fw-caliweb',
      type: 'limit',
      of: 'packet-rate',
      direction: 'egress',
      endpoint: { kind: 'WorkloadEndpoint', namespace: 'default', name: 'h1-lab-web-eth0' },
      overPacketRate: { perSecond: 100, burst: 5 },
    },
  ]);
});
