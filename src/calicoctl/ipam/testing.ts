/** A small cluster for tests: a pool, two nodes, addresses with and without users. */
import { Ipam } from '../../ipam/index.ts';
import { ip } from '../../net/index.ts';
import { type Terminal, terminal } from '../testing/terminal.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org/';

export async function putResource(calicoctl: Terminal, path: string, fields: Record<string, unknown>): Promise<void> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const metadata = { name, ...(path.split('/').length > 2 && { namespace: path.split('/')[1] }) };
  const value = { apiVersion: 'projectcalico.org/v3', metadata, ...fields };
  await calicoctl.store.put(`${RESOURCES}${path}`, JSON.stringify(value));
}

export async function give(calicoctl: Terminal, address: string, pod: string, node = 'n1'): Promise<void> {
  const attributes = { namespace: 'd', node, pod };
  await new Ipam(calicoctl.store).assign(ip(address), { host: node, handle: `handle-${pod}`, attributes });
}

export async function use(calicoctl: Terminal, address: string, pod: string, node = 'n1'): Promise<void> {
  const spec = { orchestrator: 'k8s', node, pod, endpoint: 'eth0', ipNetworks: [`${address}/32`] };
  await putResource(calicoctl, `workloadendpoints/d/${node}-k8s-${pod}-eth0`, { kind: 'WorkloadEndpoint', spec });
}

/** 10.0.0.1 is in use; 10.0.0.2 is of a pod that is not there. The datastore is locked. */
export async function cluster(): Promise<Terminal> {
  const calicoctl = terminal();
  await putResource(calicoctl, 'ippools/p', { kind: 'IPPool', spec: { cidr: '10.0.0.0/24', blockSize: 29 } });
  await putResource(calicoctl, 'nodes/n1', { kind: 'Node', spec: {} });
  await putResource(calicoctl, 'nodes/n2', { kind: 'Node', spec: {} });
  await give(calicoctl, '10.0.0.1', 'alive');
  await use(calicoctl, '10.0.0.1', 'alive');
  await give(calicoctl, '10.0.0.2', 'leaked');
  await calicoctl.call(['datastore', 'migrate', 'lock']);
  return calicoctl;
}

/** Is the address given to anybody? */
export async function given(calicoctl: Terminal, address: string): Promise<boolean> {
  const { out } = await calicoctl.call(['ipam', 'show', `--ip=${address}`]);
  return out.includes('is in use');
}
