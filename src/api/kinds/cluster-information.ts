/** ClusterInformation: what Calico knows of the cluster; written by Calico itself. */
import { flagOrUnset, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';

const spec = () =>
  part({
    clusterGUID: text(),
    clusterType: text(),
    calicoVersion: text(),
    datastoreReady: flagOrUnset(),
    variant: text(),
  });

const schema = () => resourceSchema('ClusterInformation', clusterMetadata(formats.name), { spec: spec() });

export const clusterInformation = defineKind('ClusterInformation', schema);
