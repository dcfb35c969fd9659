/** GlobalNetworkPolicy: rules for endpoints of all namespaces, and of hosts. */
import { flag } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { checkPolicy, defaultTypes, performanceHints, policyHead, policyTail } from '../policy.ts';
import { reporter } from '../report.ts';
import { selector } from '../selector-field.ts';

const spec = () =>
  part({
    ...policyHead(),
    doNotTrack: flag(),
    preDNAT: flag(),
    applyOnForward: flag(),
    ...policyTail(),
    namespaceSelector: selector(),
    ...performanceHints(),
  });

const schema = () =>
  resourceSchema('GlobalNetworkPolicy', clusterMetadata(formats.longName), { spec: spec() }).transform(
    (policy, context) => {
      const { spec } = policy;
      const report = reporter(context);
      checkPolicy(policy.metadata.name, spec, false, report);
      if (spec.doNotTrack && spec.preDNAT) report(['spec', 'preDNAT'], 'cannot stand beside doNotTrack');
      if ((spec.doNotTrack || spec.preDNAT) && !spec.applyOnForward)
        report(['spec', 'applyOnForward'], 'must be true with doNotTrack or preDNAT');
      if (spec.preDNAT && spec.egress) report(['spec', 'egress'], 'must be empty with preDNAT');
      if (spec.preDNAT && spec.types?.includes('Egress'))
        report(['spec', 'types'], 'must not name Egress with preDNAT');
      for (const side of ['source', 'destination'] as const)
        for (const [direction, rules] of [
          ['ingress', spec.ingress],
          ['egress', spec.egress],
        ] as const)
          for (const [index, rule] of (rules ?? []).entries())
            if (rule[side].services && !rule[side].services.namespace)
              report(
                ['spec', direction, index, side, 'services', 'namespace'],
                'must name the namespace of the service',
              );
      spec.types ??= defaultTypes(spec);
      return policy;
    },
  );

export const globalNetworkPolicy = defineKind('GlobalNetworkPolicy', schema);
