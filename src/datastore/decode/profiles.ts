/** Profile. Labels that endpoints inherit from namespaces and service accounts are stored with their prefixes. */
import type { Labels, Profile, ResourceId } from '../../model/index.ts';
import * as read from './read.ts';
import { rules } from './rules.ts';

/** A profile with a bad rule allows nothing; its labels are kept, because sets are made of them. */
export function profile(id: ResourceId<'Profile'>, spec: read.Fields): read.Decoded<Profile> {
  let labelsToApply: Labels = {};
  try {
    labelsToApply = read.labels(spec.labelsToApply, 'spec.labelsToApply');
    const ingress = rules(spec.ingress, 'spec.ingress', undefined);
    return { value: { id, labelsToApply, ingress, egress: rules(spec.egress, 'spec.egress', undefined) } };
  } catch (error) {
    return { value: { id, labelsToApply, ingress: [], egress: [] }, problem: (error as Error).message };
  }
}
