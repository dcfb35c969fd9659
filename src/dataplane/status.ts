/** What has become of an endpoint on this host: for its status in the datastore. */
import type { ResourceId } from '../model/index.ts';

/**
 * `up`: its interface is there and up, and everything of it is in the kernel. `down`: its interface is not there, or is
 * down. `error`: something of it could not be programmed, so that it is closed as far as that matters.
 */
export type EndpointState = 'up' | 'down' | 'error';

export interface EndpointStatus {
  readonly id: ResourceId<'WorkloadEndpoint'> | ResourceId<'HostEndpoint'>;
  readonly state: EndpointState;
  /** Why it is in `error`, in words that name the object and the rule; else empty. */
  readonly problems: readonly string[];
}

/** Who wants to know: told after the round that changed it, once for each change; null: the endpoint is no longer here. */
export type OnEndpointStatus = (id: EndpointStatus['id'], status: EndpointStatus | null) => void;

export interface StatusListener {
  readonly onEndpointStatus?: OnEndpointStatus;
  /** Once: `onEndpointStatus` has told of every endpoint that was there at `in-sync`, whatever became of it. */
  readonly onEndpointsTold?: () => void;
}
