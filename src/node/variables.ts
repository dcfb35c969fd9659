/** The environment of a node: its variables, by upstream's names. docs/reference/node.md describes each; a test compares. */
import { CalicoError } from '../errors/index.ts';

export const VARIABLES = [
  'NODENAME',
  'HOSTNAME',
  'CALICO_NODENAME_FILE',
  'IP',
  'IP6',
  'IP_AUTODETECTION_METHOD',
  'IP6_AUTODETECTION_METHOD',
  'AUTODETECT_POLL_INTERVAL',
  'DISABLE_NODE_IP_CHECK',
  'AS',
  'CALICO_K8S_NODE_REF',
  'CALICO_NETWORKING_BACKEND',
  'CLUSTER_TYPE',
  'WAIT_FOR_DATASTORE',
  'NO_DEFAULT_POOLS',
  'CALICO_IPV4POOL_CIDR',
  'CALICO_IPV4POOL_BLOCK_SIZE',
  'CALICO_IPV4POOL_IPIP',
  'CALICO_IPV4POOL_VXLAN',
  'CALICO_IPV4POOL_NAT_OUTGOING',
  'CALICO_IPV4POOL_NODE_SELECTOR',
  'CALICO_IPV4POOL_DISABLE_BGP_EXPORT',
  'CALICO_IPV6POOL_CIDR',
  'CALICO_IPV6POOL_BLOCK_SIZE',
  'CALICO_IPV6POOL_VXLAN',
  'CALICO_IPV6POOL_NAT_OUTGOING',
  'CALICO_IPV6POOL_NODE_SELECTOR',
  'CALICO_IPV6POOL_DISABLE_BGP_EXPORT',
  'FELIX_IPV6SUPPORT',
  'CALICO_STARTUP_LOGLEVEL',
  'K8S_API_ENDPOINT',
  'K8S_CA_FILE',
  'K8S_API_TOKEN',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
] as const;

export type Variable = (typeof VARIABLES)[number];
export type Environment = { readonly [name in Variable]?: string | undefined };

/** A switch; one that is not set, or empty, is as `byDefault` says. E_CONFIG: neither yes nor no. */
export function flag(env: Environment, name: Variable, byDefault: boolean): boolean {
  const text = (env[name] ?? '').trim().toLowerCase();
  if (text === '') return byDefault;
  if (/^(true|t|1|yes|y|on)$/.test(text)) return true;
  if (/^(false|f|0|no|n|off)$/.test(text)) return false;
  throw new CalicoError('E_CONFIG', name, `is neither true nor false: '${env[name]}'`);
}
