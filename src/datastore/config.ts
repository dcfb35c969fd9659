/** The datastore client's settings, and where the environment has them. */
import { CalicoError } from '../errors/index.ts';

/** The fields of CalicoAPIConfig's spec, by their names. Empty text: not set. */
export interface DatastoreConfig {
  readonly datastoreType: string;
  /** URLs, separated by commas. */
  readonly etcdEndpoints: string;
  readonly etcdDiscoverySrv: string;
  readonly etcdUsername: string;
  readonly etcdPassword: string;
  readonly etcdKeyFile: string;
  readonly etcdCertFile: string;
  readonly etcdCACertFile: string;
  /** PEM text in place of a file. */
  readonly etcdKey: string;
  readonly etcdCert: string;
  readonly etcdCACert: string;
  readonly kubeconfig: string;
  readonly k8sAPIEndpoint: string;
  readonly k8sKeyFile: string;
  readonly k8sCertFile: string;
  readonly k8sCAFile: string;
  readonly k8sAPIToken: string;
  readonly k8sInsecureSkipTLSVerify: boolean;
  readonly k8sDisableNodePoll: boolean;
  readonly usePodCIDR: boolean;
  readonly kubeconfigInline: string;
  readonly k8sClientQPS: number;
  /** Known to Calico from after v3.15 on. */
  readonly k8sClientBurst?: number;
  readonly k8sCurrentContext?: string;
  readonly calicoAPIGroup?: string;
  /** The directory, with datastoreType `files`. */
  readonly manifests?: string;
}

export const DEFAULT_MANIFESTS = '/etc/calico/manifests';

type Field = keyof DatastoreConfig;

export const DEFAULT_DATASTORE_CONFIG: DatastoreConfig = {
  datastoreType: 'etcdv3',
  etcdEndpoints: '',
  etcdDiscoverySrv: '',
  etcdUsername: '',
  etcdPassword: '',
  etcdKeyFile: '',
  etcdCertFile: '',
  etcdCACertFile: '',
  etcdKey: '',
  etcdCert: '',
  etcdCACert: '',
  kubeconfig: '',
  k8sAPIEndpoint: '',
  k8sKeyFile: '',
  k8sCertFile: '',
  k8sCAFile: '',
  k8sAPIToken: '',
  k8sInsecureSkipTLSVerify: false,
  k8sDisableNodePoll: false,
  usePodCIDR: false,
  kubeconfigInline: '',
  k8sClientQPS: 0,
};

/** Each is heeded as CALICO_<name> too, which wins. */
const VARIABLES: Readonly<Record<string, Field>> = {
  DATASTORE_TYPE: 'datastoreType',
  ETCD_ENDPOINTS: 'etcdEndpoints',
  ETCD_DISCOVERY_SRV: 'etcdDiscoverySrv',
  ETCD_USERNAME: 'etcdUsername',
  ETCD_PASSWORD: 'etcdPassword',
  ETCD_KEY_FILE: 'etcdKeyFile',
  ETCD_CERT_FILE: 'etcdCertFile',
  ETCD_CA_CERT_FILE: 'etcdCACertFile',
  KUBECONFIG: 'kubeconfig',
  K8S_API_ENDPOINT: 'k8sAPIEndpoint',
  K8S_KEY_FILE: 'k8sKeyFile',
  K8S_CERT_FILE: 'k8sCertFile',
  K8S_CA_FILE: 'k8sCAFile',
  K8S_INSECURE_SKIP_TLS_VERIFY: 'k8sInsecureSkipTLSVerify',
  K8S_DISABLE_NODE_POLL: 'k8sDisableNodePoll',
  USE_POD_CIDR: 'usePodCIDR',
  CALICO_MANIFESTS: 'manifests',
};

/** The settings that the environment gives. E_CONFIG: a value of the wrong type. */
export function configFromEnvironment(env: Readonly<Record<string, string | undefined>>): DatastoreConfig {
  const values: Partial<Record<Field, unknown>> = {};
  for (const [name, field] of Object.entries(VARIABLES)) {
    const chosen = env[`CALICO_${name}`] !== undefined ? `CALICO_${name}` : name;
    const text = env[chosen];
    if (text !== undefined)
      values[field] = typeof DEFAULT_DATASTORE_CONFIG[field] === 'boolean' ? parseBoolean(chosen, text) : text;
  }
  return { ...DEFAULT_DATASTORE_CONFIG, ...(values as Partial<DatastoreConfig>) };
}

/** The variables that give a program these settings. E_CONFIG: one that only a file can give. */
export function environmentOf(config: DatastoreConfig): Record<string, string> {
  for (const field of ['etcdKey', 'etcdCert', 'etcdCACert', 'kubeconfigInline'] as const)
    if (config[field])
      throw new CalicoError('E_CONFIG', field, 'cannot be handed to another program', {
        hint: `name a file: ${field}File`,
      });
  const set = Object.entries(VARIABLES).filter(([, field]) => config[field] !== DEFAULT_DATASTORE_CONFIG[field]);
  return Object.fromEntries(set.map(([name, field]) => [name, String(config[field])]));
}

function parseBoolean(variable: string, text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new CalicoError('E_CONFIG', variable, `neither true nor false: '${text}'`);
}
