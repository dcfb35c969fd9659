/** GlobalNetworkPolicy: rules for endpoints of all namespaces, and of hosts. */
import * as formats from '../formats.ts';
import { checkGlobalPolicy, globalPolicyFields } from '../global-policy.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { checkPolicy, defaultTypes, TIERED } from '../policy.ts';
import { reporter } from '../report.ts';

const spec = () => part(globalPolicyFields());

const schema = () =>
  resourceSchema('GlobalNetworkPolicy', clusterMetadata(formats.longName), { spec: spec() }).transform(
    (policy, context) => {
      const { spec } = policy;
      const report = reporter(context);
      checkPolicy(policy.metadata.name, spec, false, report);
      checkGlobalPolicy(spec, report);
      spec.types ??= defaultTypes(spec);
      return policy;
    },
  );

export const globalNetworkPolicy = defineKind('GlobalNetworkPolicy', schema, TIERED);
