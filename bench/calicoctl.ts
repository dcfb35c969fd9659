/**
 * calicoctl (bin/calicoctl, as built) with a real etcd on loopback: a file of 5,000 policies, and 10,000 workload endpoints to
 * show. `s` is the whole process from start to exit, `mb` the most memory that it held. Wanted: apply in 10 s, get in 3 s
 * and 400 MB.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Etcd, ready } from '../test/system/datastore-etcd.ts';

const API = 'apiVersion: projectcalico.org/v3';

const policies = Array.from(
  { length: 5000 },
  (_, i) => `${API}
kind: GlobalNetworkPolicy
metadata: {name: p-${i}}
spec:
  order: ${i}
  selector: role == 'r${i % 50}'
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: role == 'web${i}'}, destination: {ports: [80, 443]}}
`,
);
const endpoints = Array.from(
  { length: 10_000 },
  (_, i) => `${API}
kind: WorkloadEndpoint
metadata: {namespace: openstack, labels: {app: a${i % 100}}}
spec:
  node: compute-${i % 100}
  orchestrator: openstack
  workload: vm-${i}
  endpoint: port-${i}
  interfaceName: tap${i}
  ipNetworks: [10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32]
  mac: fa:16:3e:00:00:01
`,
);

const directory = mkdtempSync(join(tmpdir(), 'bench-calicoctl-'));
const etcd = new Etcd();
try {
  await etcd.start();
  await ready(etcd);
  const [policyFile, endpointFile] = [join(directory, 'policies.yaml'), join(directory, 'endpoints.yaml')];
  writeFileSync(policyFile, policies.join('---\n'));
  writeFileSync(endpointFile, endpoints.join('---\n'));
  await measure('validate 5,000 policies', ['validate', '-f', policyFile]);
  await measure('create 5,000 policies', ['create', '-f', policyFile]);
  await measure('apply 5,000 policies that are there', ['apply', '-f', policyFile]);
  await measure('diff 5,000 policies that are there', ['diff', '-f', policyFile]);
  await measure('create 10,000 workload endpoints', ['create', '-f', endpointFile]);
  for (const format of ['table', 'wide', 'yaml', 'json'])
    await measure(`get 10,000 workload endpoints -o ${format}`, ['get', 'wep', '-a', '-o', format]);
} finally {
  await etcd.remove();
  rmSync(directory, { recursive: true });
}

async function measure(what: string, argv: readonly string[]): Promise<void> {
  const started = performance.now();
  const env = { ...process.env, ETCD_ENDPOINTS: etcd.endpoint };
  const child = spawn('bin/calicoctl', argv, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let mb = 0;
  const look = setInterval(() => {
    mb = Math.max(mb, peak(child.pid));
  }, 20);
  const status = await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(look);
  if (status !== 0) throw new Error(`calicoctl ${argv.join(' ')}: exit ${status}`);
  const s = Math.round(performance.now() - started) / 1000;
  console.log(JSON.stringify({ bench: 'calicoctl', what, s, mb: Math.round(mb) }));
}

/** The most memory that the process has held, in megabytes; 0 when it is gone. */
function peak(pid: number | undefined): number {
  try {
    const [, kb = '0'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kb) / 1024;
  } catch {
    return 0;
  }
}
