import { expect, it } from 'vitest';
import { terminal } from '../testing/terminal.ts';

const workload = (node: string, name: string, ip: string) => `
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: ${node}-lab-${name}-eth0, namespace: default, labels: {app: ${name}}}
spec: {node: ${node}, orchestrator: lab, workload: ${name}, endpoint: eth0, interfaceName: cali${name}, ipNetworks: [${ip}/32], profiles: [open]}
---`;
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
kind: FelixConfiguration
metadata: {name: node.h1}
spec: {defaultEndpointToHostAction: Accept}
---${workload('h1', 'web', '10.65.0.1')}${workload('h2', 'db', '10.65.0.2')}
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: default}
spec:
  selector: app == 'db'
  ingress:
    - {action: Allow, protocol: TCP, destination: {ports: [5432]}}
    - {action: Deny, protocol: TCP, destination: {ports: [22]}}
`;

async function explained(...argv: string[]): Promise<{ exit: number; last: string }> {
  const calicoctl = terminal();
  expect(await calicoctl.call(['apply', '-f', '-'], CLUSTER)).toEqual({ exit: 0, out: expect.any(String) });
  const { exit, out } = await calicoctl.call(['explain', ...argv]);
  return { exit, last: out.trim().split('\n').at(-1) as string };
}

it.each([
  [
    ['--from', 'web', '--to', 'db', '--port', '5432'],
    'ALLOWED on h2 by NetworkPolicy default/db, ingress rule 0 (allow)',
  ],
  [
    ['--from', 'web', '--to', 'default/db', '--port', '22'],
    'DENIED on h2 by NetworkPolicy default/db, ingress rule 1 (deny)',
  ],
  [
    ['--from', '192.0.2.1', '--to', '10.65.0.2', '--port', '80'],
    /^DENIED on h2 by policies apply, and none .* \(NetworkPolicy default\/db\)$/,
  ],
  [['--from', 'db', '--to', '10.65.0.1', '--port', '80'], 'ALLOWED on h1 by Profile open, ingress rule 0 (allow)'],
  // The node's own FelixConfiguration says Accept; the default is Drop.
  [['--from', 'web', '--to', 'h1', '--port', '80'], /^ALLOWED on h1 by DefaultEndpointToHostAction/],
])('%j', async (argv, last) => {
  const done = await explained(...argv);
  expect(done.exit).toBe(0);
  if (typeof last === 'string') expect(done.last).toBe(last);
  else expect(done.last).toMatch(last);
});

it.each([
  [['--from', 'nobody', '--to', 'db', '--port', '80'], /^E_NOT_FOUND nobody/],
  [['--from', 'web', '--to', 'db'], /^E_USAGE --port/],
  [['--from', 'web', '--to', 'db', '--port', '80x'], /^E_USAGE --port 80x/],
  [['--from', 'web', '--to', 'db', '--port', '80', '-o', 'yaml'], /^E_USAGE --output yaml/],
])('%j is refused in a line', async (argv, error) => {
  const done = await explained(...argv);
  expect(done).toMatchObject({ exit: 1, last: expect.stringMatching(error) });
});

it.each([
  [
    ['--from', 'web', '--to', 'db', '--port', '5432'],
    /cannot be used as it is stored.*\nDENIED on h2 by GlobalNetworkPolicy broken/,
  ],
  [['--to', 'db', '--all'], /GlobalNetworkPolicy broken, order none\n +GlobalNetworkPolicy broken cannot be used/],
])('%j tells of a policy on the way that cannot be used', async (argv, text) => {
  const calicoctl = terminal();
  await calicoctl.call(['apply', '-f', '-'], CLUSTER);
  const metadata = { name: 'default.broken', creationTimestamp: null };
  const spec = { selector: "app == 'db'", types: ['Ingress'], ingress: [{ action: 'Allow', protocol: 'nonsense' }] };
  await calicoctl.store.put(
    '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/default.broken',
    JSON.stringify({ kind: 'GlobalNetworkPolicy', apiVersion: 'projectcalico.org/v3', metadata, spec }),
  );
  const { exit, out } = await calicoctl.call(['explain', ...argv]);
  expect({ exit, out }).toEqual({ exit: 0, out: expect.stringMatching(text) });
});
