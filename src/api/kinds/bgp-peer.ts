/** BGPPeer: whom hosts speak BGP with. */
import type * as z from 'zod';
import { parseIp } from '../../net/index.ts';
import { duration } from '../duration-field.ts';
import { flag, intOrUnset, item, list, omitted, oneOf, orElse, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, type Resource, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { newer } from '../newer.ts';
import { asNumber } from '../ports.ts';
import { type Report, reporter } from '../report.ts';
import { secret } from '../secret.ts';
import { selector } from '../selector-field.ts';

const MAX_INT32 = 2147483647;

const spec = () =>
  part({
    node: text(formats.name),
    peerIP: orElse(text(formats.ipWithPort), ''),
    asNumber: orElse(omitted(asNumber), 0),
    ...newer({ localASNumber: omitted(asNumber) }),
    nodeSelector: selector(),
    peerSelector: selector(),
    ...newer({
      localWorkloadSelector: selector(),
      keepOriginalNextHop: flag(),
      nextHopMode: oneOf(['Auto', 'Self', 'Keep']),
      password: secret(),
      sourceAddress: oneOf(['UseNodeIP', 'None']),
      maxRestartTime: duration(),
      keepaliveTime: duration(),
      numAllowedLocalASNumbers: intOrUnset({ min: 0, max: MAX_INT32 }),
      ttlSecurity: intOrUnset({ min: 0, max: 255 }),
      reachableBy: text(formats.ip),
      filters: list(item(formats.name)),
      reversePeering: oneOf(['Auto', 'Manual']),
    }),
  });

const schema = () =>
  resourceSchema('BGPPeer', clusterMetadata(formats.name), { spec: spec() }).superRefine(({ spec }, context) =>
    checkSpec(spec, reporter(context)),
  );

type Spec = z.output<ReturnType<typeof spec>>;

function checkSpec(spec: Spec, report: Report): void {
  if (spec.node && spec.nodeSelector) report(['spec', 'node'], 'must be left out beside nodeSelector');
  if (spec.peerSelector) {
    if (spec.peerIP) report(['spec', 'peerIP'], 'must be left out beside peerSelector');
    if (spec.asNumber) report(['spec', 'asNumber'], 'must be left out beside peerSelector');
  }
  if (spec.localWorkloadSelector) {
    if (spec.peerIP) report(['spec', 'peerIP'], 'must be left out beside localWorkloadSelector');
    if (spec.peerSelector) report(['spec', 'peerSelector'], 'must be left out beside localWorkloadSelector');
    if (!spec.asNumber) report(['spec', 'asNumber'], 'must be given with localWorkloadSelector');
  }
  if (spec.keepOriginalNextHop && spec.nextHopMode)
    report(['spec', 'keepOriginalNextHop'], 'must be left out beside nextHopMode');
  if (spec.reachableBy && !sameFamily(spec.reachableBy, spec.peerIP))
    report(['spec', 'reachableBy'], 'must be of the same IP version as peerIP');
}

function sameFamily(a: string, b: string): boolean {
  return (parseIp(a) ?? '').includes(':') === b.split(':').length > 2;
}

/** Newer versions leave out what v3.15 writes as empty. */
function dropUnset({ spec = {} }: Resource): void {
  if (spec.peerIP === '') delete spec.peerIP;
  if (spec.asNumber === 0) delete spec.asNumber;
}

export const bgpPeer = defineKind('BGPPeer', schema, { convert: dropUnset, first: ['node', 'nodeSelector'] });
