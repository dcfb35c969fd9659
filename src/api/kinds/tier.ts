/** Tier: a group of policies that is decided before or after others. */
import { conditions } from '../conditions.ts';
import { numberOrUnset, oneOf, orElse } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { reporter } from '../report.ts';
import { BUILT_IN_TIERS, DEFAULT_TIER_ORDER } from '../tiers.ts';

const spec = () =>
  part({
    order: orElse(numberOrUnset(), DEFAULT_TIER_ORDER),
    defaultAction: orElse(oneOf(['Deny', 'Pass']), 'Deny'),
  });

const schema = () =>
  resourceSchema('Tier', clusterMetadata(formats.shortLabel), {
    spec: spec(),
    status: part({ conditions: conditions() }),
  }).superRefine(({ metadata, spec }, context) => {
    const report = reporter(context);
    const fixed = BUILT_IN_TIERS[metadata.name];
    if (fixed && fixed.order !== spec.order) report(['spec', 'order'], `must be ${fixed.order}: the tier is built in`);
    if (fixed && fixed.defaultAction !== spec.defaultAction)
      report(['spec', 'defaultAction'], `must be ${fixed.defaultAction}: the tier is built in`);
  });

export const tier = defineKind('Tier', schema);
