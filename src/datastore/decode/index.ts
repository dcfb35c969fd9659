/** From what is stored to the model: a key and its text → one update. Pure. */
import { KIND_NAMES } from '../../api/kind-names.ts';
import type { Kind, ResourceId, Update, Values } from '../../model/index.ts';
import { IPAM_BLOCKS, parseResourceKey, type ResourceLocation } from '../keys.ts';
import * as bgp from './bgp.ts';
import { ipamBlock } from './blocks.ts';
import * as endpoints from './endpoints.ts';
import { felixConfiguration } from './felix-configuration.ts';
import { policy, tier } from './policies.ts';
import { profile } from './profiles.ts';
import { type Decoded, type Fields, object } from './read.ts';
import * as settings from './settings.ts';

/** Of which a part is of use when the rest cannot be read: these throw only where nothing is. */
const TOLERANT = {
  WorkloadEndpoint: endpoints.workloadEndpoint,
  HostEndpoint: endpoints.hostEndpoint,
  NetworkSet: endpoints.networkSet,
  GlobalNetworkSet: endpoints.globalNetworkSet,
  Tier: tier,
  Profile: profile,
  FelixConfiguration: felixConfiguration,
};

type TolerantDecoder<K extends Kind> = (
  id: ResourceId<K>,
  spec: Fields,
  metadata: unknown,
) => Decoded<Values[K] | null>;

/** Throws for what it cannot read. */
type Decoder<K extends Kind> = (id: ResourceId<K>, spec: Fields, metadata: Fields) => Values[K] | null;
type Strict = Exclude<Kind, keyof typeof TOLERANT | 'NetworkPolicy' | 'GlobalNetworkPolicy' | 'IPAMBlock'>;

const DECODERS: { readonly [K in Strict]: Decoder<K> } = {
  Node: settings.node,
  IPPool: settings.ipPool,
  ClusterInformation: settings.clusterInformation,
  BGPConfiguration: bgp.bgpConfiguration,
  BGPPeer: bgp.bgpPeer,
  BGPFilter: bgp.bgpFilter,
  CalicoNodeStatus: bgp.calicoNodeStatus,
};

const KINDS = ['NetworkPolicy', 'GlobalNetworkPolicy', ...Object.keys(TOLERANT), ...Object.keys(DECODERS)] as Kind[];
const KIND_OF_PLURAL = new Map(KINDS.map((kind) => [KIND_NAMES[kind]?.plural, kind]));

/** What a key of the datastore is about; null when it is nothing of the model. */
export function idOf(key: string): ResourceId | null {
  if (key.startsWith(IPAM_BLOCKS)) {
    const name = /^ipv[46]\/block\/([^/]+)$/.exec(key.slice(IPAM_BLOCKS.length))?.[1];
    return name ? { kind: 'IPAMBlock', name } : null;
  }
  const location = parseResourceKey(key);
  return location && resourceId(location);
}

function resourceId({ plural, storedName, namespace }: ResourceLocation): ResourceId | null {
  const kind = KIND_OF_PLURAL.get(plural);
  const info = kind && KIND_NAMES[kind];
  if (!info || info.namespaced !== (namespace !== undefined)) return null;
  const name = info.nameFromStored(storedName);
  return namespace === undefined ? { kind, name } : { kind, namespace, name };
}

/**
 * The update for what is stored at a key; null when the key is nothing of the model. Never throws: what cannot be
 * decoded is an update with `invalid`.
 */
export function decode(key: string, value: string): Update | null {
  const id = idOf(key);
  if (!id) return null;
  const { value: decoded, problem } = decodeValue(id, key, value);
  if (problem === undefined) return { id, value: decoded } as Update;
  return { id, value: decoded, invalid: { code: 'E_INVALID', reason: problem } } as Update;
}

function decodeValue(id: ResourceId, key: string, text: string): Decoded<Values[Kind] | null> {
  try {
    const stored = object(JSON.parse(text), 'resource');
    if (isKind(id, 'IPAMBlock')) return { value: ipamBlock(id, stored) };
    const spec = object(stored.spec, 'spec');
    // A manifest in a file that is wrong in some way says so.
    const invalid = typeof stored.invalid === 'string' ? stored.invalid : undefined;
    if (isKind(id, 'NetworkPolicy', 'GlobalNetworkPolicy'))
      return policy(id, key.slice(key.lastIndexOf('/') + 1), spec, invalid);
    if (id.kind in TOLERANT) {
      const tolerant = TOLERANT[id.kind as keyof typeof TOLERANT] as TolerantDecoder<Kind>;
      const { value, problem } = tolerant(id, spec, stored.metadata);
      return (problem ?? invalid) === undefined ? { value } : { value, problem: problem ?? (invalid as string) };
    }
    if (invalid !== undefined) return { value: null, problem: invalid };
    const decoder = DECODERS[id.kind as keyof typeof DECODERS] as Decoder<Kind>;
    return { value: decoder(id, spec, object(stored.metadata, 'metadata')) };
  } catch (error) {
    return { value: null, problem: (error as Error).message };
  }
}

function isKind<K extends Kind>(id: ResourceId, ...kinds: readonly K[]): id is ResourceId<K> {
  return (kinds as readonly Kind[]).includes(id.kind);
}
