/** What policy applies to and selects: workload and host endpoints, sets of networks. */
import type { Cidr, Ip, Protocol } from '../net/index.ts';
import type { Labels, ResourceId } from './id.ts';
import type { QosControls } from './qos.ts';

export interface EndpointPort {
  readonly name: string;
  readonly protocol: Protocol;
  /** 1–65535 */
  readonly port: number;
}

export interface WorkloadEndpoint {
  readonly id: ResourceId<'WorkloadEndpoint'>;
  /** The host it runs on; empty for one that cannot be read: in force nowhere, though selectors find it. */
  readonly node: string;
  readonly orchestrator: string;
  /** Pod, VM or container: whatever the orchestrator calls its workload. */
  readonly workload: string;
  readonly endpoint: string;
  readonly interfaceName: string;
  readonly mac: string;
  readonly nets: readonly Cidr[];
  /** Floating IPs. */
  readonly nats: readonly { internal: Ip; external: Ip }[];
  /** In their order of application. */
  readonly profiles: readonly string[];
  readonly labels: Labels;
  readonly ports: readonly EndpointPort[];
  /** Prefixes beyond its own that it may send from, where the host's configuration allows that at all. */
  readonly allowedSources?: readonly Cidr[];
  /** Absent: nothing is limited. */
  readonly qos?: QosControls;
}

export interface HostEndpoint {
  readonly id: ResourceId<'HostEndpoint'>;
  readonly node: string;
  /** A name, `*` for every interface of the host, or empty: then the expected addresses say which. */
  readonly interfaceName: string;
  readonly expectedIps: readonly Ip[];
  readonly profiles: readonly string[];
  readonly labels: Labels;
  readonly ports: readonly EndpointPort[];
}

/** NetworkSet or GlobalNetworkSet. A NetworkSet inherits labels from the profile `kns.<namespace>`. */
export interface NetworkSet {
  readonly id: ResourceId<'NetworkSet' | 'GlobalNetworkSet'>;
  readonly nets: readonly Cidr[];
  readonly labels: Labels;
  readonly profiles: readonly string[];
}
