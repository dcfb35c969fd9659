/** From what is stored to the model: a key and its text → one update. Pure. */
import { KINDS } from '../../api/index.ts';
import type { Invalid, Kind, ResourceId, Update, Values } from '../../model/index.ts';
import { IPAM_BLOCKS, parseResourceKey, type ResourceLocation } from '../keys.ts';
import { ipamBlock } from './blocks.ts';
import * as endpoints from './endpoints.ts';
import { felixConfiguration } from './felix-configuration.ts';
import { policy } from './policies.ts';
import { profile, profileStandIn } from './profiles.ts';
import { type Fields, object } from './read.ts';
import * as settings from './settings.ts';

type Decoder<K extends Kind> = (id: ResourceId<K>, spec: Fields, metadata: Fields) => Values[K] | null;

const DECODERS: {
  [K in Exclude<Kind, 'NetworkPolicy' | 'GlobalNetworkPolicy' | 'Profile' | 'IPAMBlock'>]: Decoder<K>;
} = {
  WorkloadEndpoint: endpoints.workloadEndpoint,
  HostEndpoint: endpoints.hostEndpoint,
  NetworkSet: endpoints.networkSet,
  GlobalNetworkSet: endpoints.globalNetworkSet,
  Node: settings.node,
  IPPool: settings.ipPool,
  FelixConfiguration: felixConfiguration,
  ClusterInformation: settings.clusterInformation,
  BGPConfiguration: settings.bgpConfiguration,
  BGPPeer: settings.bgpPeer,
};

const KIND_OF_PLURAL = new Map(Object.values(KINDS).map(({ kind, plural }) => [plural, kind as Kind]));

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
  const info = kind && KINDS[kind];
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
  let stored: Fields;
  let spec: Fields;
  try {
    stored = object(JSON.parse(value), 'resource');
    spec = object(stored.spec, 'spec');
  } catch (error) {
    return invalid(id, error);
  }
  if (id.kind === 'NetworkPolicy' || id.kind === 'GlobalNetworkPolicy') return decodePolicy(id, key, spec);
  try {
    return { id, value: decodeValue(id, stored, spec) } as Update;
  } catch (error) {
    const standIn = id.kind === 'Profile' ? profileStandIn(id as ResourceId<'Profile'>, spec) : null;
    return invalid(id, error, standIn);
  }
}

function decodeValue(id: ResourceId, stored: Fields, spec: Fields): Values[Kind] | null {
  if (id.kind === 'IPAMBlock') return ipamBlock(id as ResourceId<'IPAMBlock'>, stored);
  if (id.kind === 'Profile') return profile(id as ResourceId<'Profile'>, spec);
  const decoder = DECODERS[id.kind as keyof typeof DECODERS] as Decoder<Kind>;
  return decoder(id, spec, object(stored.metadata, 'metadata'));
}

function decodePolicy(id: ResourceId, key: string, spec: Fields): Update {
  const storedName = key.slice(key.lastIndexOf('/') + 1);
  const decoded = policy(id as ResourceId<'NetworkPolicy'>, storedName, spec);
  const update = { id, value: decoded.value } as Update;
  return decoded.problem === undefined ? update : { ...update, invalid: reason(decoded.problem) };
}

function invalid(id: ResourceId, error: unknown, standIn: Values[Kind] | null = null): Update {
  return { id, value: standIn, invalid: reason((error as Error).message) } as Update;
}

function reason(message: string): Invalid {
  return { code: 'E_INVALID', reason: message };
}
