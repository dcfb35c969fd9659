/** What the naive reading reads: resources, a machine, and a packet as it reaches that machine. */
import type {
  HostEndpoint,
  IPPool,
  NetworkSet,
  Policy,
  Profile,
  RuleEntity,
  Tier,
  WorkloadEndpoint,
} from '../../src/model/index.ts';
import type { Cidr } from '../../src/net/index.ts';

export interface Resources {
  readonly workloads: readonly WorkloadEndpoint[];
  readonly hostEndpoints: readonly HostEndpoint[];
  readonly tiers: readonly Tier[];
  readonly policies: readonly Policy[];
  readonly profiles: readonly Profile[];
  readonly sets: readonly NetworkSet[];
  readonly pools: readonly IPPool[];
  /** Prefixes of services that are advertised. */
  readonly services: readonly Cidr[];
}

/** One side of a rule as people write it, where more than a selector chooses: `selector` is then what came of it. */
export interface WrittenEntity extends RuleEntity {
  readonly written?: {
    readonly selector: string;
    readonly namespaceSelector: string;
    readonly serviceAccounts: { readonly names: readonly string[]; readonly selector: string };
    /** The policy's. */
    readonly namespace?: string;
  };
}

/** The first packet of a connection. */
export interface Opening {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** As it reaches a machine. */
export interface Arrival extends Opening {
  /** The interface that it comes in by; null: the machine itself sends it. */
  readonly by: string | null;
  /** What connection tracking makes of it: what opens a connection, what belongs to none, what is left alone. */
  readonly state: 'NEW' | 'INVALID' | 'UNTRACKED';
}

export interface Machine {
  readonly node: string;
  /** Its interfaces but those of workloads, and their own addresses. */
  readonly uplinks: Readonly<Record<string, readonly string[]>>;
  /** Prefix → interface, beside the routes to workloads. */
  readonly routes: Readonly<Record<string, string>>;
  readonly endpointToHost: 'accept' | 'drop' | 'return';
  readonly failsafeIn: readonly Failsafe[];
  readonly failsafeOut: readonly Failsafe[];
}

/** With a prefix: only where the other end is in it. */
export interface Failsafe {
  readonly protocol: number;
  readonly port: number;
  readonly net?: Cidr;
}
