/** Where an OpenStack region keeps what is its own: several regions may share one etcd, and never touch each other's keys. */
import { CalicoError } from '../errors/index.ts';

export class Region {
  /** Empty: there are no regions. */
  readonly name: string;
  /** Of its endpoints and policies. */
  readonly namespace: string;
  /** Its part of keys outside the resources. */
  readonly segment: string;

  /** E_CONFIG for a name that no namespace can have. */
  constructor(name: string) {
    if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$/.test(name) || name.length > 40)
      throw new CalicoError('E_CONFIG', 'openstack_region', `cannot be part of a namespace's name: '${name}'`, {
        hint: 'at most 40 lower case letters, digits and inner dashes',
      });
    this.name = name;
    this.namespace = name === '' ? 'openstack' : `openstack-region-${name}`;
    this.segment = name === '' ? 'no-region' : `region-${name}`;
  }

  /** What the keys of all subnets start with. */
  get subnets(): string {
    return `/calico/dhcp/v2/${this.segment}/subnet/`;
  }

  /** What the keys of all Felixes' reports start with. */
  get felixes(): string {
    return `/calico/felix/v2/${this.segment}/host/`;
  }

  /** Who holds these is elected. The older key knows no regions: only who has none takes part in it. */
  get elections(): readonly string[] {
    const own = `/calico/openstack/v2/${this.segment}/neutron_election`;
    return this.name === '' ? [own, '/calico/openstack/v1/neutron_election'] : [own];
  }
}
