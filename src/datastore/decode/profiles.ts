/** Profile. Labels that endpoints inherit from namespaces and service accounts are stored with their prefixes. */
import type { Labels, Profile, ResourceId } from '../../model/index.ts';
import * as read from './read.ts';
import { rules, unconditional } from './rules.ts';

/** A profile with a bad rule denies everything, whatever profiles come after it; its labels are kept, because sets are made of them. */
export function profile(id: ResourceId<'Profile'>, spec: read.Fields): read.Decoded<Profile> {
  let labelsToApply: Labels = {};
  try {
    labelsToApply = read.labels(spec.labelsToApply, 'spec.labelsToApply');
    const ingress = rules(spec.ingress, 'spec.ingress', undefined);
    return { value: { id, labelsToApply, ingress, egress: rules(spec.egress, 'spec.egress', undefined) } };
  } catch (error) {
    const deny = [unconditional('deny')];
    return { value: { id, labelsToApply, ingress: deny, egress: deny }, problem: (error as Error).message };
  }
}
