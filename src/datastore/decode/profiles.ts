/** Profile. Labels that endpoints inherit from namespaces and service accounts are stored with their prefixes. */
import type { Profile, ResourceId } from '../../model/index.ts';
import * as read from './read.ts';
import { rules } from './rules.ts';

export function profile(id: ResourceId<'Profile'>, spec: read.Fields): Profile {
  return {
    id,
    labelsToApply: read.labels(spec.labelsToApply, 'spec.labelsToApply'),
    ingress: rules(spec.ingress, 'spec.ingress', undefined),
    egress: rules(spec.egress, 'spec.egress', undefined),
  };
}

/** What stands in for a profile with a bad rule: it allows nothing, and its labels are kept where they can be read. */
export function profileStandIn(id: ResourceId<'Profile'>, spec: read.Fields): Profile {
  let labelsToApply: Profile['labelsToApply'] = {};
  try {
    labelsToApply = read.labels(spec.labelsToApply, 'spec.labelsToApply');
  } catch {
    // Reported already, as the reason why there is a stand-in.
  }
  return { id, labelsToApply, ingress: [], egress: [] };
}
