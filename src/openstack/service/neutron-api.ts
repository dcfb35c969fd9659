/** All that Neutron has, over its REST API, in pages. */
import { CalicoError } from '../../errors/index.ts';
import { ask, refusal } from './http.ts';
import type { Keystone } from './keystone.ts';
import type { AddressGroup, FloatingIp, Network, Port, SecurityGroup, Subnet } from './neutron.ts';

const PAGE = 500;
const ATTEMPTS = 3;

/** Whoever asks without one of these sees a part only, and takes the rest for deleted. */
const ROLES_THAT_SEE_ALL = ['admin', 'service'];

const PORT_FIELDS = [
  'id',
  'network_id',
  'project_id',
  'mac_address',
  'device_id',
  'device_owner',
  'fixed_ips',
  'allowed_address_pairs',
  'security_groups',
  'port_security_enabled',
  'dns_assignment',
  'binding:host_id',
  'binding:vif_type',
  'binding:profile',
  'extra_dhcp_opts',
  'created_at',
  'revision_number',
];

export interface Everything {
  readonly ports: readonly Port[];
  readonly networks: readonly Network[];
  readonly subnets: readonly Subnet[];
  readonly security_groups: readonly SecurityGroup[];
  readonly address_groups: readonly AddressGroup[];
  readonly floatingips: readonly FloatingIp[];
}

export class NeutronApi {
  readonly #url: string;
  readonly #keystone: Keystone | null;

  /** Without a Keystone Neutron is taken to ask nobody who we are. */
  constructor(url: string, keystone: Keystone | null) {
    this.#url = `${url.replace(/\/+$/, '')}/v2.0/`;
    this.#keystone = keystone;
  }

  /**
   * Complete, or an error: E_DATASTORE, E_REFUSED. Ports come first: what they name was there before they were, so that it is
   * in the lists that come after.
   */
  async everything(): Promise<Everything> {
    const ports = await this.#list<Port>('ports', PORT_FIELDS);
    return {
      ports,
      networks: await this.#list<Network>('networks', ['id', 'mtu', 'dns_domain', 'revision_number']),
      subnets: await this.#list<Subnet>('subnets'),
      security_groups: await this.#list<SecurityGroup>('security-groups'),
      address_groups: await this.#list<AddressGroup>('address-groups', [], true),
      floatingips: await this.#list<FloatingIp>('floatingips', [], true),
    };
  }

  /** The ids of all objects of a kind. */
  async ids(collection: 'ports' | 'networks' | 'subnets' | 'security-groups'): Promise<Set<string>> {
    return new Set((await this.#list<{ id: string }>(collection, ['id'])).map(({ id }) => id));
  }

  /** An `optional` one belongs to an extension: a Neutron without it has none of them. */
  async #list<T extends { readonly id: string }>(
    collection: string,
    fields: readonly string[] = [],
    optional = false,
  ): Promise<T[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#pages<T>(collection, fields, optional);
      } catch (error) {
        if (!(error instanceof PageLost) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #pages<T extends { readonly id: string }>(
    collection: string,
    fields: readonly string[],
    optional: boolean,
  ): Promise<T[]> {
    const found: T[] = [];
    for (;;) {
      const marker = found.at(-1)?.id;
      const query = new URLSearchParams([
        ['limit', String(PAGE)],
        ['sort_key', 'id'],
        ['sort_dir', 'asc'],
        ...(marker === undefined ? [] : [['marker', marker]]),
        ...fields.map((field) => ['fields', field]),
      ]);
      const url = `${this.#url}${collection}?${query}`;
      const answer = await this.#get(url);
      if (answer.status === 404 && optional && marker === undefined) return [];
      // The object that the page was to begin after may be gone.
      if ((answer.status === 404 || answer.status === 400) && marker !== undefined)
        throw new PageLost(url, answer.status);
      if (answer.status !== 200) throw refusal(url, answer);
      const body = answer.body as { [name: string]: unknown };
      const name = collection.replaceAll('-', '_');
      const page = body[name];
      if (!Array.isArray(page)) throw refusal(url, answer);
      for (const item of page as T[]) found.push(item);
      const links = (body[`${name}_links`] ?? []) as { rel: string }[];
      if (page.length === 0 || !links.some(({ rel }) => rel === 'next')) return found;
    }
  }

  async #get(url: string) {
    const answer = await ask(url, { headers: await this.#identity() });
    if (answer.status !== 401 || !this.#keystone) return answer;
    this.#keystone.forgetToken();
    return ask(url, { headers: await this.#identity() });
  }

  async #identity(): Promise<Record<string, string>> {
    if (!this.#keystone)
      return { 'x-roles': 'admin', 'x-project-id': 'calico', 'x-tenant-id': 'calico', 'x-user-id': 'calico' };
    const { text, roles } = await this.#keystone.token();
    if (!roles.some((role) => ROLES_THAT_SEE_ALL.includes(role)))
      throw new CalicoError('E_REFUSED', this.#url, `has nothing complete to say to the roles ${roles.join(', ')}`, {
        hint: 'give the user of [keystone_authtoken] the role admin or service',
      });
    return { 'x-auth-token': text };
  }
}

class PageLost extends CalicoError {
  constructor(url: string, status: number) {
    super('E_DATASTORE', url, `answers ${status}: the list has changed while it was read`);
  }
}
