/** ClusterInformation: what Calico knows of the cluster; written by Calico itself. */
import type * as z from 'zod';
import { flagOrUnset, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';

const spec = part({
  clusterGUID: text(),
  clusterType: text(),
  calicoVersion: text(),
  datastoreReady: flagOrUnset(),
  variant: text(),
});

const schema = resourceSchema('ClusterInformation', clusterMetadata(formats.name), { spec });

export type ClusterInformation = z.output<typeof schema>;

export const clusterInformation = defineKind({
  kind: 'ClusterInformation',
  plural: 'clusterinformations',
  aliases: ['clusterinformation', 'clusterinfo', 'clusterinfos'],
  schema,
});
