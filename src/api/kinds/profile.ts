/** Profile: rules and labels that endpoints take on by naming it. */
import { list, map } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { dropEmptySides } from '../newer.ts';
import { egressRule, ingressRule } from '../rule.ts';

const spec = () =>
  part({
    ingress: list(ingressRule()),
    egress: list(egressRule()),
    labelsToApply: map(formats.labels),
  });

const schema = () => resourceSchema('Profile', clusterMetadata(formats.name), { spec: spec() });

export const profile = defineKind('Profile', schema, { convert: dropEmptySides });
