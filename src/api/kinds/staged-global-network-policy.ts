/** StagedGlobalNetworkPolicy: a GlobalNetworkPolicy that is not enforced yet. */
import * as formats from '../formats.ts';
import { checkGlobalPolicy, globalPolicyFields } from '../global-policy.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { checkPolicy, defaultTypes } from '../policy.ts';
import { reporter } from '../report.ts';
import { checkStaged, STAGED, stagedAction } from '../staged.ts';

const spec = () => part({ ...stagedAction(), ...globalPolicyFields() });

const schema = () =>
  resourceSchema('StagedGlobalNetworkPolicy', clusterMetadata(formats.longName), { spec: spec() }).transform(
    (policy, context) => {
      const { spec } = policy;
      const report = reporter(context);
      checkPolicy(policy.metadata.name, spec, false, report);
      checkGlobalPolicy(spec, report);
      checkStaged(spec, report);
      if (spec.stagedAction !== 'Delete') spec.types ??= defaultTypes(spec);
      return policy;
    },
  );

export const stagedGlobalNetworkPolicy = defineKind('StagedGlobalNetworkPolicy', schema, STAGED);
