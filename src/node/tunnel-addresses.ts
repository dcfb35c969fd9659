/**
 * The addresses that a node has in the tunnels to other nodes: taken from the pools that are encapsulated, and written to
 * its Node. An address is released only after the Node has forgotten it, or others would send to what is somebody else's.
 */
import type { Logger } from 'pino';
import type { Resource } from '../api/index.ts';
import type { Client } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { Ipam } from '../ipam/index.ts';
import { type Cidr, contains, type Ip, parseIp } from '../net/index.ts';
import { change } from './change.ts';
import { fieldOf, withField } from './resource.ts';
import { poolsOf, TUNNELS, type Tunnel } from './tunnels.ts';

/** Of the allocator what is needed here. */
export type Allocator = Pick<Ipam, 'autoAssign' | 'assign' | 'release' | 'releaseByHandle' | 'ownerOf'>;

type Standing =
  /** Ours, of a pool that is as it should be. */
  | 'right'
  /** Ours, in the wrong place; or nobody's. */
  | 'wrong'
  /** Somebody else's. */
  | 'foreign'
  /** Of a time when allocations did not say whose they are. */
  | 'unnamed';

export class TunnelAddresses {
  readonly #client: Client;
  readonly #ipam: Allocator;
  readonly #node: string;
  readonly #log: Logger;

  constructor(options: { client: Client; ipam: Allocator; node: string; log: Logger }) {
    this.#client = options.client;
    this.#ipam = options.ipam;
    this.#node = options.node;
    this.#log = options.log;
  }

  /**
   * Gives the node what it needs now, and takes what it does not. One tunnel that fails is in no other's way. E_NOT_FOUND:
   * there is no Node; E_NOT_READY: nobody is to allocate now. Throws the first failure, after all have been tried.
   */
  async reconcile(): Promise<void> {
    const cluster = await this.#client.find('ClusterInformation', 'default');
    if (cluster?.spec?.datastoreReady === false)
      throw new CalicoError('E_NOT_READY', 'ClusterInformation default', 'an upgrade or a migration is under way');
    const node = await this.#client.get('Node', this.#node);
    const pools = (await this.#client.list('IPPool')).items;
    const failures: unknown[] = [];
    for (const tunnel of TUNNELS) {
      const usable = poolsOf(tunnel, node, pools);
      const done = usable.length > 0 ? this.#ensure(tunnel, node, usable) : this.#remove(tunnel, node);
      await done.catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  async #ensure(tunnel: Tunnel, node: Resource, pools: readonly Cidr[]): Promise<void> {
    const address = parseIp(fieldOf(node, tunnel.field) ?? '');
    const standing = address ? await this.#standing(tunnel, address, pools) : 'wrong';
    if (standing === 'right') return;
    if (address && standing === 'unnamed' && (await this.#name(tunnel, address))) return;
    // What the handle has is not on the Node, or not to stay there.
    if (address) await this.#write(tunnel, undefined);
    await this.#release(tunnel);
    const wanted = { ...this.#owner(tunnel), use: 'Tunnel', family: tunnel.family, count: 1, pools } as const;
    const { assignments, shortage } = await this.#ipam.autoAssign(wanted);
    const [assigned] = assignments;
    if (!assigned)
      throw new CalicoError('E_NOT_FOUND', pools.join(', '), `there is no address for the ${tunnel.name} tunnel`, {
        hint: shortage?.message ?? 'another pool of this encapsulation brings more',
        cause: shortage,
      });
    // Where this fails nobody knows whether the Node has it: it stays allocated, and the next try finds it by its handle.
    await this.#write(tunnel, assigned.address);
    this.#log.info(
      { tunnel: tunnel.name, address: assigned.address, before: address },
      'the node has a tunnel address',
    );
  }

  async #remove(tunnel: Tunnel, node: Resource): Promise<void> {
    const address = parseIp(fieldOf(node, tunnel.field) ?? '');
    const standing = address ? await this.#standing(tunnel, address, []) : 'wrong';
    if (address) await this.#write(tunnel, undefined);
    if (address && standing === 'unnamed') await this.#ipam.release([address]);
    await this.#release(tunnel);
    if (address) this.#log.info({ tunnel: tunnel.name, address }, 'no pool needs the tunnel address: released');
  }

  async #standing(tunnel: Tunnel, address: Ip, pools: readonly Cidr[]): Promise<Standing> {
    const owner = await orNull('E_NOT_FOUND', this.#ipam.ownerOf(address));
    if (!owner) return 'wrong';
    const { handle, attributes } = owner;
    if (Object.keys(attributes ?? {}).length === 0) return handle === null ? 'unnamed' : 'foreign';
    if (attributes?.type !== tunnel.type || attributes.node !== this.#node) return 'foreign';
    return pools.some((pool) => contains(pool, address)) ? 'right' : 'wrong';
  }

  /** The address stays and says from now on whose it is; false when somebody else was quicker to take it. */
  async #name(tunnel: Tunnel, address: Ip): Promise<boolean> {
    await this.#ipam.release([address]);
    try {
      await this.#ipam.assign(address, this.#owner(tunnel));
      return true;
    } catch (error) {
      if (error instanceof CalicoError && error.code === 'E_EXISTS') return false;
      throw error;
    }
  }

  #owner({ handlePrefix, type }: Tunnel) {
    const node = this.#node;
    return { host: node, handle: `${handlePrefix}${node}`, attributes: { node, type } };
  }

  async #release({ handlePrefix }: Tunnel): Promise<void> {
    await orNull('E_NOT_FOUND', this.#ipam.releaseByHandle(`${handlePrefix}${this.#node}`));
  }

  async #write({ field }: Tunnel, address: Ip | undefined): Promise<void> {
    await change(this.#client, 'Node', this.#node, (current) => {
      // One that is deleted meanwhile is not brought back by its tunnel's address.
      if (!current.metadata.resourceVersion)
        throw new CalicoError('E_NOT_FOUND', `Node ${this.#node}`, 'does not exist');
      return withField(current, field, address);
    });
  }
}

async function orNull<T>(code: string, promise: Promise<T>): Promise<T | null> {
  return promise.catch((error) => {
    if (error instanceof CalicoError && error.code === code) return null;
    throw error;
  });
}
