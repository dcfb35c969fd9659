/** NetworkSet: addresses with labels, which rules of policies in its namespace can select. */
import { item, list } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { namespacedMetadata } from '../metadata.ts';

/** Empty entries are tolerated, as upstream does. */
export const networkSetSpec = () => part({ nets: list(item((net) => (net === '' ? null : formats.cidr(net)))) });

const schema = () => resourceSchema('NetworkSet', namespacedMetadata(formats.name), { spec: networkSetSpec() });

export const networkSet = defineKind('NetworkSet', schema);
