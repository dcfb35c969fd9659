/** BGPFilter: which routes are taken from BGP peers and told to them, and what is changed on them. */
import * as z from 'zod';
import { item, list, omitted, oneOf, refined, struct, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { asNumber } from '../ports.ts';

const priority = () => z.int().min(1).max(2147483646);
const community = () =>
  item(
    (text) =>
      formats.community(text) ??
      formats.matches(text, /^(0|[1-9]\d*)(:(0|[1-9]\d*)){1,2}$/, 'must have no leading zeros'),
  );

const operation = () =>
  refined(
    z.strictObject({
      addCommunity: z.strictObject({ value: community() }).optional(),
      prependASPath: z.strictObject({ prefix: z.array(asNumber).min(1).max(10) }).optional(),
      setPriority: z.strictObject({ value: priority() }).optional(),
    }),
    (value) => (Object.values(value).filter(Boolean).length === 1 ? null : 'must be one operation'),
  );

const net = (family: 4 | 6) => (family === 4 ? formats.cidrv4 : formats.cidrv6);

const rule = (family: 4 | 6) => {
  const length = () =>
    omitted(
      z
        .int()
        .min(0)
        .max(family === 4 ? 32 : 128),
    );
  const schema = z.strictObject({
    cidr: text((value) => net(family)(value) ?? formats.net(value)),
    prefixLength: struct({ min: length(), max: length() }),
    source: oneOf(['RemotePeers']),
    interface: text(formats.interfacePattern),
    matchOperator: oneOf(['Equal', 'NotEqual', 'In', 'NotIn']),
    peerType: oneOf(['eBGP', 'iBGP']),
    communities: struct({ values: z.array(community()).min(1).max(1) }),
    asPathPrefix: list(asNumber),
    priority: omitted(priority()),
    action: z.enum(['Accept', 'Reject']),
    operations: refined(list(operation()), (value) => ((value?.length ?? 0) <= 10 ? null : 'must be 10 at most')),
  });
  return refined(schema, (value) => {
    if ((value.cidr === undefined) !== (value.matchOperator === undefined))
      return 'cidr and matchOperator go together: both or neither';
    if (value.prefixLength && value.cidr === undefined) return 'prefixLength needs a cidr';
    if (value.operations && value.action !== 'Accept') return 'operations are for action Accept only';
    return null;
  });
};

const spec = () =>
  part({
    exportV4: list(rule(4)),
    importV4: list(rule(4)),
    exportV6: list(rule(6)),
    importV6: list(rule(6)),
  });

const schema = () => resourceSchema('BGPFilter', clusterMetadata(formats.name), { spec: spec() });

export const bgpFilter = defineKind('BGPFilter', schema);
