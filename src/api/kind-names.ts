/**
 * How kinds are called: in keys of the datastore, on the command line, and by their names of former versions. It stands
 * apart from their schemas, which programs that only follow the datastore have no use for and need not load.
 */

export interface KindName {
  readonly kind: string;
  /** The segment of its keys in etcd, and what people may call it. */
  readonly plural: string;
  /** Other names that people use on the command line, lower case. */
  readonly aliases: readonly string[];
  readonly namespaced: boolean;
  /** Calico v3.15 does not know it. */
  readonly newer: boolean;
  /** Who keeps its resources, where people neither write nor see them. */
  readonly keeper?: string;
  /** The name in keys and values of the datastore. */
  storedName(name: string): string;
  nameFromStored(stored: string): string;
}

/** Names that orchestrators' policies have; they are stored as they are. */
export const FOREIGN_POLICY = /^(knp|ossg)\./;
/** The prefix that upstream up to v3.29 stores before the names of policies of the default tier. */
const POLICY_PREFIX = 'default.';

/** Names of policies: `p` is stored as `default.p`; orchestrators' and other tiers' names as they are. */
const POLICY = {
  storedName: (name: string) => (FOREIGN_POLICY.test(name) || name.includes('.') ? name : `${POLICY_PREFIX}${name}`),
  nameFromStored: (stored: string) => (stored.startsWith(POLICY_PREFIX) ? stored.slice(POLICY_PREFIX.length) : stored),
};
const NAMESPACED = { namespaced: true };
const NEWER = { newer: true };
const IPAM = { keeper: 'IPAM' };

function named(kind: string, plural: string, aliases: string, rest: Partial<KindName> = {}): KindName {
  const same = (name: string) => name;
  return {
    kind,
    plural,
    aliases: aliases.split(' ').filter((alias) => alias !== ''),
    namespaced: false,
    newer: false,
    storedName: same,
    nameFromStored: same,
    ...rest,
  };
}

const ALL = [
  named('BGPConfiguration', 'bgpconfigurations', 'bgpconfiguration bgpconfig bgpconfigs'),
  named('BGPFilter', 'bgpfilters', 'bgpfilter', NEWER),
  named('BGPPeer', 'bgppeers', 'bgppeer bgpp bgpps bp bps'),
  named('BlockAffinity', 'blockaffinities', 'blockaffinity affinity affinities', IPAM),
  named('CalicoNodeStatus', 'caliconodestatuses', 'caliconodestatus', NEWER),
  named('ClusterInformation', 'clusterinformations', 'clusterinformation clusterinfo clusterinfos'),
  named('FelixConfiguration', 'felixconfigurations', 'felixconfiguration felixconfig felixconfigs fconfig fconfigs'),
  named('GlobalNetworkPolicy', 'globalnetworkpolicies', 'globalnetworkpolicy gnp gnps cgnp', POLICY),
  named('GlobalNetworkSet', 'globalnetworksets', 'globalnetworkset gns'),
  named('HostEndpoint', 'hostendpoints', 'hostendpoint hep heps'),
  named('IPAMBlock', 'ipamblocks', 'ipamblock', IPAM),
  named('IPAMConfig', 'ipamconfigs', '', IPAM),
  named('IPAMConfiguration', 'ipamconfigurations', 'ipamconfiguration ipamconfig ipamconfigs', NEWER),
  named('IPAMHandle', 'ipamhandles', 'ipamhandle', IPAM),
  named('IPPool', 'ippools', 'ippool ipp ipps pool pools'),
  named('IPReservation', 'ipreservations', 'ipreservation reservation reservations', NEWER),
  named(
    'KubeControllersConfiguration',
    'kubecontrollersconfigurations',
    'kubecontrollersconfiguration kubecontrollersconfig kubecontrollersconfigs kcconfig kcconfigs kcc kccs',
  ),
  named('LiveMigration', 'livemigrations', 'livemigration', { ...NAMESPACED, ...NEWER, keeper: 'the orchestrator' }),
  named('NetworkPolicy', 'networkpolicies', 'networkpolicy policy policies np pol pols cnp caliconetworkpolicy', {
    ...NAMESPACED,
    ...POLICY,
  }),
  named('NetworkSet', 'networksets', 'networkset netset netsets', NAMESPACED),
  named('Node', 'nodes', 'node no nos'),
  named('Profile', 'profiles', 'profile pro pros'),
  named('StagedGlobalNetworkPolicy', 'stagedglobalnetworkpolicies', 'stagedglobalnetworkpolicy sgnp', NEWER),
  named('StagedKubernetesNetworkPolicy', 'stagedkubernetesnetworkpolicies', 'stagedkubernetesnetworkpolicy sknp', {
    ...NAMESPACED,
    ...NEWER,
  }),
  named('StagedNetworkPolicy', 'stagednetworkpolicies', 'stagednetworkpolicy scnp snp', { ...NAMESPACED, ...NEWER }),
  named('Tier', 'tiers', 'tier', NEWER),
  named('WorkloadEndpoint', 'workloadendpoints', 'workloadendpoint wep weps', NAMESPACED),
] as const;

/** By kind: `IPPool`, … */
export const KIND_NAMES: Readonly<Record<string, KindName>> = Object.assign(
  Object.create(null),
  Object.fromEntries(ALL.map((name) => [name.kind, name])),
);
