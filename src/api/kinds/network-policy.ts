/** NetworkPolicy: rules for the endpoints of one namespace. */
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { namespacedMetadata } from '../metadata.ts';
import { checkPolicy, defaultTypes, performanceHints, policyHead, policyTail, TIERED } from '../policy.ts';
import { reporter } from '../report.ts';

const spec = () => part({ ...policyHead(), ...policyTail(), ...performanceHints() });

const schema = () =>
  resourceSchema('NetworkPolicy', namespacedMetadata(formats.longName), { spec: spec() }).transform(
    (policy, context) => {
      checkPolicy(policy.metadata.name, policy.spec, true, reporter(context));
      policy.spec.types ??= defaultTypes(policy.spec);
      return policy;
    },
  );

export const networkPolicy = defineKind('NetworkPolicy', schema, TIERED);
