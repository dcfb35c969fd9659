/** IPReservation: addresses that IPAM gives to nobody by itself. */
import { item, list } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';

/** Host bits are tolerated, as upstream does. */
const spec = () => part({ reservedCIDRs: list(item(formats.cidrWithLength)) });

const schema = () => resourceSchema('IPReservation', clusterMetadata(formats.name), { spec: spec() });

export const ipReservation = defineKind('IPReservation', schema);
