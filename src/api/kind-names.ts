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

function named(kind: string, plural: string, aliases: string, rest: Partial<KindName> = {}): KindName {
  const same = (name: string) => name;
  return {
    kind,
    plural,
    aliases: aliases.split(' '),
    namespaced: false,
    storedName: same,
    nameFromStored: same,
    ...rest,
  };
}

const ALL = [
  named('BGPConfiguration', 'bgpconfigurations', 'bgpconfiguration bgpconfig bgpconfigs'),
  named('BGPFilter', 'bgpfilters', 'bgpfilter'),
  named('BGPPeer', 'bgppeers', 'bgppeer bgpp bgpps bp bps'),
  named('CalicoNodeStatus', 'caliconodestatuses', 'caliconodestatus'),
  named('ClusterInformation', 'clusterinformations', 'clusterinformation clusterinfo clusterinfos'),
  named('FelixConfiguration', 'felixconfigurations', 'felixconfiguration felixconfig felixconfigs fconfig fconfigs'),
  named('GlobalNetworkPolicy', 'globalnetworkpolicies', 'globalnetworkpolicy gnp gnps cgnp', POLICY),
  named('GlobalNetworkSet', 'globalnetworksets', 'globalnetworkset gns'),
  named('HostEndpoint', 'hostendpoints', 'hostendpoint hep heps'),
  named('IPPool', 'ippools', 'ippool ipp ipps pool pools'),
  named('NetworkPolicy', 'networkpolicies', 'networkpolicy policy policies np pol pols cnp caliconetworkpolicy', {
    ...NAMESPACED,
    ...POLICY,
  }),
  named('NetworkSet', 'networksets', 'networkset netset netsets', NAMESPACED),
  named('Node', 'nodes', 'node no nos'),
  named('Profile', 'profiles', 'profile pro pros'),
  named('WorkloadEndpoint', 'workloadendpoints', 'workloadendpoint wep weps', NAMESPACED),
] as const;

/** By kind: `IPPool`, … */
export const KIND_NAMES: Readonly<Record<string, KindName>> = Object.assign(
  Object.create(null),
  Object.fromEntries(ALL.map((name) => [name.kind, name])),
);
