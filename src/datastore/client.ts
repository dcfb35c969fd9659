/** Resources in a datastore: what calicoctl, the lab and the controllers read and write. */
import { randomUUID } from 'node:crypto';
import {
  fromStored,
  KINDS,
  type KindInfo,
  kindInfo,
  kindNames,
  nearMiss,
  type Resource,
  storedNameOf,
  toStored,
  validate,
  withoutOriginalName,
} from '../api/index.ts';
import { CalicoError, type ErrorCode } from '../errors/index.ts';
import { resourceKey, storedNames } from './keys.ts';
import { beforeDelete, beforeWrite } from './side-effects.ts';
import type { KeyValue, Store } from './store.ts';

export interface ResourceList {
  readonly items: Resource[];
  /** The datastore's revision that the list shows. */
  readonly revision: string;
}

export interface ClientOptions {
  /** Milliseconds since the epoch, for metadata.creationTimestamp. */
  readonly now?: () => number;
  /** For metadata.uid and the cluster's GUID. */
  readonly newUuid?: () => string;
  /**
   * The form in which new policies are stored: v3.15's (`default.p`, unless the policy says more than v3.15 knows), or that
   * of the newest versions (`p`, with its tier). One that exists keeps the form that it has.
   */
  readonly policies?: 'v3.15' | 'newest';
}

const UPDATE_ATTEMPTS = 5;

/** Every method throws E_UNKNOWN_KIND for a kind that is none, and E_DATASTORE. Kinds go by any of their names. */
export class Client {
  readonly store: Store;
  readonly newUuid: () => string;
  readonly #now: () => number;
  readonly #newest: boolean;

  constructor(store: Store, options: ClientOptions = {}) {
    this.store = store;
    this.newUuid = options.newUuid ?? randomUUID;
    this.#now = options.now ?? Date.now;
    this.#newest = options.policies === 'newest';
  }

  /** With metadata.resourceVersion. The namespace is `default` unless given. E_NOT_FOUND. */
  async get(kind: string, name: string, namespace?: string): Promise<Resource> {
    const id = identify(kind, name, namespace);
    const item = await this.#locate(id);
    if (!item) throw problem('E_NOT_FOUND', id);
    return decode(item, id.info);
  }

  /** As get, but null where there is none. */
  async find(kind: string, name: string, namespace?: string): Promise<Resource | null> {
    const id = identify(kind, name, namespace);
    const item = await this.#locate(id);
    return item && decode(item, id.info);
  }

  /**
   * All resources of the kind (in all namespaces, or one), or those of one name; sorted by key. A stored text that is
   * no resource is left out, so that one broken entry does not hide the others.
   */
  async list(kind: string, filter: { namespace?: string; name?: string } = {}): Promise<ResourceList> {
    const info = infoOf(kind);
    const prefix = resourceKey(info.plural, '', info.namespaced ? filter.namespace : undefined);
    const { items, revision } = await this.store.list(prefix);
    const readable = items.map((item) => tryDecode(item, info)).filter((resource) => resource !== null);
    return { items: readable.filter(({ metadata }) => (filter.name ?? metadata.name) === metadata.name), revision };
  }

  /** Resolves to what was written: with defaults, uid, creation time and resource version. E_EXISTS, E_INVALID. */
  async create(input: Resource): Promise<Resource> {
    const resource = validate(input, { newer: this.#newest });
    const id = identifyResource(resource);
    if (resource.metadata.resourceVersion) {
      throw new CalicoError('E_INVALID', id.text, 'metadata.resourceVersion must not be set to create a resource');
    }
    if (await this.#locate(id)) throw problem('E_EXISTS', id);
    await beforeWrite(this, resource, null);
    return this.insert(resource);
  }

  /** Writes a new resource and nothing beside it. It must be valid. E_EXISTS. */
  async insert(resource: Resource): Promise<Resource> {
    const { kind, metadata } = resource;
    const id = identifyResource(resource);
    metadata.uid = this.newUuid();
    metadata.creationTimestamp = new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const key = resourceKey(infoOf(kind).plural, storedNameOf(resource), metadata.namespace);
    const created = this.store.create(key, toStored(resource));
    return shown(withRevision(resource, await created.catch((error) => rethrow(error, id))));
  }

  /**
   * Replaces a resource; its uid and creation time stay. With metadata.resourceVersion only that version is replaced,
   * without it whatever is there. Resolves to what was written. E_NOT_FOUND, E_CONFLICT, E_INVALID.
   */
  async update(input: Resource): Promise<Resource> {
    const resource = await this.#validUpdate(input);
    const id = identifyResource(resource);
    const wanted = resource.metadata.resourceVersion;
    for (let attempt = 1; ; attempt++) {
      const item = await this.#locate(id);
      if (!item) throw problem('E_NOT_FOUND', id);
      if (wanted && wanted !== item.revision) throw problem('E_CONFLICT', id);
      const current = decode(item, id.info);
      const next = isTiered(current) && !isTiered(resource) ? validate(resource, { newer: true, current }) : resource;
      await beforeWrite(this, next, current);
      keepIdentity(next, current);
      const storedName = item.key.slice(item.key.lastIndexOf('/') + 1);
      try {
        const revision = await this.store.update(item.key, toStored(next, storedName), item.revision);
        return shown(withRevision(next, revision));
      } catch (error) {
        const lostRace = error instanceof CalicoError && error.code === 'E_CONFLICT' && !wanted;
        if (!lostRace || attempt === UPDATE_ATTEMPTS) rethrow(error, id);
      }
    }
  }

  /** Resolves to what was deleted. E_NOT_FOUND, E_CONFLICT (when a resource version is given and it has another). */
  async delete(kind: string, name: string, namespace?: string, resourceVersion?: string): Promise<Resource> {
    const id = identify(kind, name, namespace);
    const item = await this.#locate(id);
    if (!item) throw problem('E_NOT_FOUND', id);
    if (resourceVersion && resourceVersion !== item.revision) throw problem('E_CONFLICT', id);
    await beforeDelete(this, tryDecode(item, id.info) ?? named(id, name));
    const deleted = await this.store.delete(item.key, resourceVersion).catch((error) => rethrow(error, id));
    if (!deleted) throw problem('E_NOT_FOUND', id);
    return tryDecode(deleted, id.info) ?? named(id, name);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  /** Strict for what people write; what a newer version put into the datastore may stay as it is. */
  async #validUpdate(input: Resource): Promise<Resource> {
    try {
      return validate(input);
    } catch (error) {
      const { kind, metadata } = input;
      const current =
        typeof metadata?.name === 'string' ? await this.find(kind, metadata.name, metadata.namespace) : null;
      if (!current) throw error;
      return validate(input, { current });
    }
  }

  async #locate(id: Identity): Promise<KeyValue | null> {
    for (const key of id.keys) {
      const item = await this.store.get(key);
      if (item) return item;
    }
    return null;
  }
}

interface Identity {
  readonly info: KindInfo;
  /** Where it may be, in order of preference. */
  readonly keys: readonly string[];
  /** For people. */
  readonly text: string;
}

function identify(kind: string, name: string, namespace?: string): Identity {
  const info = infoOf(kind);
  const inNamespace = info.namespaced ? namespace || 'default' : undefined;
  const keys = storedNames(info, name).map((stored) => resourceKey(info.plural, stored, inNamespace));
  return { info, keys, text: `${info.kind} ${inNamespace ? `${inNamespace}/` : ''}${name}` };
}

/** What is known of a resource whose stored text cannot be read. */
function named({ info }: Identity, name: string): Resource {
  return { apiVersion: 'projectcalico.org/v3', kind: info.kind, metadata: { name } };
}

function identifyResource({ kind, metadata }: Resource): Identity {
  return identify(kind, metadata.name, metadata.namespace);
}

function infoOf(kind: string): KindInfo {
  const info = Object.hasOwn(KINDS, kind) ? KINDS[kind] : kindInfo(kind);
  if (info) return info;
  const near = nearMiss(kind, kindNames());
  throw new CalicoError(
    'E_UNKNOWN_KIND',
    kind,
    'is not a kind of resource',
    near ? { hint: `did you mean ${near}?` } : {},
  );
}

const MESSAGES = {
  E_NOT_FOUND: 'does not exist',
  E_EXISTS: 'exists already',
  E_CONFLICT: 'has changed since it was read',
} as const;

function problem(code: keyof typeof MESSAGES, id: Identity, cause?: unknown): CalicoError {
  const hint = code === 'E_CONFLICT' ? { hint: 'read it again, or leave metadata.resourceVersion out' } : {};
  return new CalicoError(code, id.text, MESSAGES[code], { ...hint, cause });
}

/** A store's error about a key, as one about the resource. */
function rethrow(error: unknown, id: Identity): never {
  const code: ErrorCode | undefined = error instanceof CalicoError ? error.code : undefined;
  if (code === 'E_NOT_FOUND' || code === 'E_EXISTS' || code === 'E_CONFLICT') throw problem(code, id, error);
  throw error;
}

/** Its key says what it is, for everybody who reads it; its text may say something else. */
function decode({ value, revision, key }: KeyValue, { kind }: KindInfo): Resource {
  try {
    return shown(withRevision({ ...fromStored(value), kind }, revision));
  } catch (cause) {
    throw new CalicoError('E_DATASTORE', key, cause instanceof Error ? cause.message : 'is no resource', { cause });
  }
}

function tryDecode(item: KeyValue, info: KindInfo): Resource | null {
  try {
    return decode(item, info);
  } catch {
    return null;
  }
}

/** As people see it. */
function shown(resource: Resource): Resource {
  return { ...resource, metadata: withoutOriginalName(resource.metadata) };
}

/** Is the policy in the form of newer versions, which say its tier? */
function isTiered({ spec }: Resource): boolean {
  return spec?.tier !== undefined;
}

function withRevision(resource: Resource, revision: string): Resource {
  return { ...resource, metadata: { ...resource.metadata, resourceVersion: revision } };
}

function keepIdentity(resource: Resource, current: Resource): void {
  const { uid, creationTimestamp } = current.metadata;
  if (uid) resource.metadata.uid = uid;
  if (creationTimestamp) resource.metadata.creationTimestamp = creationTimestamp;
}
