/** What the dataplane is told at its start; a change of it needs a new start, but for `encapsulations`. */
import type { InsertMode } from '../drivers/iptables/index.ts';
import type { Cidr, Family, Ip } from '../net/index.ts';
import type { EncapsulationConfig, RulesConfig } from '../rules/index.ts';
import type { IpipConfig } from './ipip.ts';
import type { VxlanConfig } from './vxlan.ts';

export interface DataplaneConfig {
  readonly families: readonly Family[];
  readonly rules: RulesConfig;
  readonly iptables: {
    /** `legacy`, `nft` or `auto`. */
    readonly backend: string;
    readonly insertMode: InsertMode;
    readonly lockFile?: string;
    /** Seconds; 0: as long as it takes. */
    readonly lockTimeout: number;
  };
  /** Seconds between audits of a kernel table; 0: none. */
  readonly refresh: { readonly iptables: number; readonly routes: number; readonly ipsets: number };
  /** Seconds from a write of chains until they are read again; absent: only an audit reads them. */
  readonly checkAfterWrite?: number;
  /** Members that a set can hold. */
  readonly maxSetSize: number;
  /** Protocol number of the routes to workloads. */
  readonly routeProtocol: number;
  /** What the host's own packets to workloads have as their source, where the kernel is not to choose. */
  readonly routeSources: Readonly<Partial<Record<Family, Ip>>>;
  /** Hosts that tunnels may come from beside the cluster's. */
  readonly externalHosts: readonly Cidr[];
  /** Patterns of interfaces that are no host endpoint's, whatever their addresses. */
  readonly excludedInterfaces: readonly string[];
  /** Until the kernel's silence is a failure, milliseconds. */
  readonly netlinkTimeout: number;
  readonly encapsulations: EncapsulationConfig;
  readonly ipip: IpipConfig;
  readonly vxlan: VxlanConfig;
  /** Pattern of the interfaces towards other hosts: what they can carry, tunnels must fit in. */
  readonly uplinks: string;
  /** Unexpected routes on workloads' interfaces go, whoever made them. */
  readonly removeExternalRoutes: boolean;
}
