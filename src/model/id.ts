/** Identity of a resource: kind, namespace, name. The tier of a policy is a field, not part of its identity. */

export type Kind =
  | 'WorkloadEndpoint'
  | 'HostEndpoint'
  | 'NetworkPolicy'
  | 'GlobalNetworkPolicy'
  | 'Profile'
  | 'Tier'
  | 'NetworkSet'
  | 'GlobalNetworkSet'
  | 'Node'
  | 'IPPool'
  | 'IPAMBlock'
  | 'FelixConfiguration'
  | 'ClusterInformation'
  | 'BGPConfiguration'
  | 'BGPPeer'
  | 'BGPFilter'
  | 'CalicoNodeStatus';

/**
 * `name` is the resource's own name as people write it: policies without the stored `default.` prefix
 * (the model's Policy keeps the stored name beside it, because upstream's chain names are made from it).
 */
export interface ResourceId<K extends Kind = Kind> {
  readonly kind: K;
  readonly namespace?: string;
  readonly name: string;
}

/** A map key: equal exactly for equal ids. */
export type IdKey = string & { readonly __idKey: unique symbol };

export function idKey(id: ResourceId): IdKey {
  return `${id.kind}(${id.namespace ?? ''}/${id.name})` as IdKey;
}

/** For people: `NetworkPolicy prod/allow-dns`, `Profile open`. */
export function idText(id: ResourceId): string {
  return `${id.kind} ${id.namespace ? `${id.namespace}/` : ''}${id.name}`;
}

export type Labels = Readonly<Record<string, string>>;
