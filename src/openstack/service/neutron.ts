/** Neutron's objects, as its API gives them: the fields that are used. Everything of a tenant's may be any text. */
export interface Port {
  readonly id: string;
  readonly network_id: string;
  readonly project_id?: string;
  readonly mac_address: string;
  readonly device_id: string;
  readonly device_owner: string;
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address: string }[];
  readonly allowed_address_pairs?: readonly { readonly ip_address: string; readonly mac_address?: string }[];
  readonly security_groups?: readonly string[];
  readonly port_security_enabled?: boolean;
  readonly dns_assignment?: readonly { readonly fqdn?: string }[];
  readonly 'binding:host_id'?: string;
  readonly 'binding:vif_type'?: string;
  readonly 'binding:profile'?: { readonly migrating_to?: string };
  readonly extra_dhcp_opts?: readonly {
    readonly opt_name: string;
    readonly opt_value: string;
    readonly ip_version?: number;
  }[];
  readonly created_at?: string;
  readonly revision_number?: number;
}

export interface Network {
  readonly id: string;
  readonly mtu?: number | null;
  readonly dns_domain?: string | null;
  readonly revision_number?: number;
}

export interface Subnet {
  readonly id: string;
  readonly network_id: string;
  readonly cidr: string;
  readonly ip_version: 4 | 6;
  readonly gateway_ip: string | null;
  readonly enable_dhcp: boolean;
  readonly ipv6_ra_mode?: string | null;
  readonly dns_nameservers: readonly string[];
  readonly host_routes: readonly { readonly destination: string; readonly nexthop: string }[];
  readonly revision_number?: number;
}

export interface SecurityGroupRule {
  readonly id: string;
  readonly direction: 'ingress' | 'egress';
  readonly ethertype: string;
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_ip_prefix: string | null;
  readonly remote_group_id: string | null;
  readonly remote_address_group_id?: string | null;
}

export interface SecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly security_group_rules: readonly SecurityGroupRule[];
  readonly revision_number?: number;
}

export interface AddressGroup {
  readonly id: string;
  readonly addresses: readonly string[];
}

export interface FloatingIp {
  readonly id: string;
  readonly floating_ip_address: string;
  readonly fixed_ip_address: string | null;
  readonly port_id: string | null;
}

/** From Keystone, which may not know it. */
export interface Project {
  readonly id: string;
  readonly name?: string;
  readonly parent_id?: string | null;
}

/** All that a port's endpoint is made of. */
export interface PortFacts {
  readonly port: Port;
  /** Those of its fixed addresses. */
  readonly subnets: readonly Pick<Subnet, 'id' | 'ip_version' | 'gateway_ip'>[];
  /** Those that it is in. */
  readonly security_groups: readonly Pick<SecurityGroup, 'id' | 'name'>[];
  /** Those that lead to it. */
  readonly floatingips: readonly FloatingIp[];
}

/** All that a network's agents are told. */
export interface NetworkFacts {
  readonly network: Network;
  readonly subnets: readonly Pick<Subnet, 'id' | 'ipv6_ra_mode'>[];
}

/** All that a group's policy is made of. */
export interface GroupFacts {
  readonly security_group: SecurityGroup;
  /** Those that its rules name. */
  readonly address_groups: readonly AddressGroup[];
}
