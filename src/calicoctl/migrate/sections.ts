/**
 * The file that carries a datastore elsewhere, as upstream writes it: lists of resources in YAML, the cluster's
 * information in JSON, and what allocation keeps, in JSON, with `===` lines between them.
 */
import { CalicoError } from '../../errors/index.ts';

export const SEPARATOR = '===\n';

/** What allocation keeps in the datastore, by the keys of etcd. */
export interface IpamSection {
  block_affinities?: Entry[];
  blocks?: Entry[];
  handles?: Entry[];
  config?: Entry;
}

export interface Entry {
  Key: string;
  Value: Record<string, unknown>;
  /** Nanoseconds; 0: it stays. */
  TTL: number;
}

export interface Sections {
  /** YAML documents, lists of resources. */
  readonly resources: string;
  /** JSON of ClusterInformation `default`; empty where there is none. */
  readonly cluster: string;
  /** JSON of an IpamSection. */
  readonly ipam: string;
}

/** Throws E_FILE. */
export function splitSections(text: string, file: string): Sections {
  const [resources, cluster, ipam, ...more] = text.split(SEPARATOR);
  if (resources === undefined || cluster === undefined || ipam === undefined || more.length > 0)
    throw new CalicoError('E_FILE', file, 'is not what calicoctl datastore migrate export writes', {
      hint: 'it has three parts, with lines of === between them; export again',
    });
  return { resources, cluster, ipam };
}
