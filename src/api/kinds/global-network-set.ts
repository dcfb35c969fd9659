/** GlobalNetworkSet: addresses with labels, which rules of global policies can select. */
import * as formats from '../formats.ts';
import { defineKind, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { networkSetSpec } from './network-set.ts';

const schema = () => resourceSchema('GlobalNetworkSet', clusterMetadata(formats.name), { spec: networkSetSpec() });

export const globalNetworkSet = defineKind('GlobalNetworkSet', schema);
