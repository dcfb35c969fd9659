/** Provenance: why a rule exists. Comments, counters, explain and flow logs live on it. */
import type { Direction, ResourceId } from '../model/index.ts';

export type Origin =
  /** Rule number `rule` (from 0) of a policy or profile, as its resource has it. */
  | {
      readonly type: 'policy';
      readonly id: ResourceId<'NetworkPolicy' | 'GlobalNetworkPolicy' | 'Profile'>;
      readonly direction: Direction;
      readonly rule: number;
    }
  /** What decides when nobody said anything. */
  | {
      readonly type: 'default';
      readonly what: DefaultRule;
      readonly endpoint?: ResourceId;
      readonly direction?: Direction;
      readonly tier?: string;
    }
  | { readonly type: 'anti-spoofing' }
  | { readonly type: 'failsafe'; readonly direction: Direction }
  /** Of the endpoint's QoS controls. */
  | {
      readonly type: 'limit';
      readonly of: 'packet-rate' | 'connections';
      readonly endpoint: ResourceId;
      readonly direction: Direction;
    }
  /** conntrack: established passes, invalid does not. */
  | { readonly type: 'conntrack'; readonly state: 'established' | 'invalid' }
  /** Plumbing: dispatch, marks, jumps between chains. It never decides by itself. */
  | { readonly type: 'plumbing' };

export type DefaultRule =
  | 'end-of-tier'
  | 'no-profile-matched'
  | 'no-forward-policy'
  | 'unknown-interface'
  | 'endpoint-to-host'
  | 'encapsulated-from-workload'
  | 'tunnel'
  | 'host-to-workload'
  | 'service-loop'
  | 'allowed-source'
  | 'policy-accepted'
  | 'nat-outgoing'
  | 'tunnel-address'
  | 'dscp'
  | 'floating-ip'
  | 'metadata'
  | 'dhcp'
  | 'dns'
  | 'rogue-server'
  | 'neighbour-discovery';
