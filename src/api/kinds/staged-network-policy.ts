/** StagedNetworkPolicy: a NetworkPolicy that is not enforced yet. */
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { namespacedMetadata } from '../metadata.ts';
import { checkPolicy, defaultTypes, performanceHints, policyHead, policyTail } from '../policy.ts';
import { reporter } from '../report.ts';
import { checkStaged, STAGED, stagedAction } from '../staged.ts';

const spec = () => part({ ...stagedAction(), ...policyHead(), ...policyTail(), ...performanceHints() });

const schema = () =>
  resourceSchema('StagedNetworkPolicy', namespacedMetadata(formats.longName), { spec: spec() }).transform(
    (policy, context) => {
      const { spec } = policy;
      const report = reporter(context);
      checkPolicy(policy.metadata.name, spec, true, report);
      checkStaged(spec, report);
      if (spec.stagedAction !== 'Delete') spec.types ??= defaultTypes(spec);
      return policy;
    },
  );

export const stagedNetworkPolicy = defineKind('StagedNetworkPolicy', schema, STAGED);
