/** IPPool: addresses for workloads, and how packets to them travel between hosts. */
import * as z from 'zod';
import { cidr, contains, lengthOf, parseCidr } from '../../net/index.ts';
import { conditions } from '../conditions.ts';
import { flag, int, list, omitted, oneOf, orElse, struct } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { newer, specDefaults } from '../newer.ts';
import { type Report, reporter } from '../report.ts';
import { selector } from '../selector-field.ts';

const MODES = ['Never', 'Always', 'CrossSubnet'] as const;
const V6_LINK_LOCAL = cidr('fe80::/10');
const V4_LINK_LOCAL = cidr('169.254.0.0/16');

const mode = () => orElse(oneOf(MODES), 'Never');

const spec = () =>
  part({
    cidr: z.preprocess((value) => value ?? '', z.string()),
    vxlanMode: mode(),
    ipipMode: mode(),
    natOutgoing: flag(),
    disabled: flag(),
    ...newer({ disableBGPExport: flag() }),
    blockSize: int(),
    nodeSelector: orElse(selector(), 'all()'),
    ...newer({
      namespaceSelector: selector(),
      allowedUses: list(z.enum(['Workload', 'Tunnel', 'LoadBalancer'])),
      assignmentMode: oneOf(['Automatic', 'Manual']),
    }),
    /** Left over from v1: accepted when they say nothing. */
    ipip: omitted(z.never('is from v1: use ipipMode')),
    'nat-outgoing': omitted(z.literal(false, 'is from v1: use natOutgoing'), (value) => value === false),
  });

const schema = () =>
  resourceSchema('IPPool', clusterMetadata(formats.name), {
    spec: spec(),
    status: struct({ conditions: conditions() }),
  }).transform((pool, context) => {
    const { spec } = pool;
    const report = reporter(context);
    const parsed = parseCidr(spec.cidr);
    if (!parsed || !spec.cidr.includes('/')) {
      report(['spec', 'cidr'], 'must be a prefix, such as 10.65.0.0/16');
      return z.NEVER;
    }
    const v6 = parsed.includes(':');
    spec.blockSize ??= v6 ? 122 : 26;
    checkCidr(spec, spec.blockSize, v6, report);
    checkModes(spec, v6, report);
    checkUses(spec, report);
    return pool;
  });

type Spec = z.output<ReturnType<typeof spec>>;

function checkCidr({ cidr: text, disabled }: Spec, blockSize: number, v6: boolean, report: Report): void {
  const problem = formats.net(text);
  if (problem) report(['spec', 'cidr'], problem);
  const [least, most] = v6 ? [116, 128] : [20, 32];
  const pool = cidr(text);
  if (blockSize < least || blockSize > most)
    report(['spec', 'blockSize'], `must be between ${least} and ${most} for IPv${v6 ? 6 : 4}`);
  else if (lengthOf(pool) > blockSize && !disabled)
    report(['spec', 'cidr'], `must be large enough for one block (/${blockSize})`);
  const linkLocal = v6 ? V6_LINK_LOCAL : V4_LINK_LOCAL;
  if (contains(linkLocal, pool) || contains(pool, linkLocal))
    report(['spec', 'cidr'], `must not overlap the link-local range ${linkLocal}`);
}

function checkModes(spec: Spec, v6: boolean, report: Report): void {
  if (v6 && spec.ipipMode !== 'Never') report(['spec', 'ipipMode'], 'must be Never in an IPv6 pool');
  if (spec.ipipMode !== 'Never' && spec.vxlanMode !== 'Never')
    report(['spec', 'vxlanMode'], 'must be Never beside ipipMode: a pool has one encapsulation');
}

function checkUses(spec: Spec, report: Report): void {
  const { allowedUses, nodeSelector, namespaceSelector, disableBGPExport, ipipMode, vxlanMode } = spec;
  if (allowedUses?.includes('LoadBalancer')) {
    if (allowedUses.length > 1) report(['spec', 'allowedUses'], 'must name LoadBalancer alone');
    if (nodeSelector !== 'all()') report(['spec', 'nodeSelector'], 'must be all() where allowedUses is LoadBalancer');
    if (ipipMode !== 'Never' || vxlanMode !== 'Never')
      report(['spec', 'allowedUses'], 'must not name LoadBalancer in a pool with IPIP or VXLAN');
    if (disableBGPExport) report(['spec', 'disableBGPExport'], 'must be false where allowedUses is LoadBalancer');
  }
  if (namespaceSelector && (!allowedUses || allowedUses.includes('Tunnel')))
    report(['spec', 'namespaceSelector'], 'must be left out in a pool for Tunnel (allowedUses)');
}

export const ipPool = defineKind('IPPool', schema, {
  convert: specDefaults({ allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic' }),
});
