/** HostEndpoint: an interface of a host, to which policy applies. */
import { endpointPort } from '../endpoint-port.ts';
import { item, list, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { reporter } from '../report.ts';

const spec = () =>
  part({
    node: text(formats.name),
    interfaceName: text(formats.interfaceOrAll),
    expectedIPs: list(item(formats.ip)),
    profiles: list(item(formats.name)),
    ports: list(endpointPort()),
  });

const schema = () =>
  resourceSchema('HostEndpoint', clusterMetadata(formats.name), { spec: spec() }).superRefine(({ spec }, context) => {
    const report = reporter(context);
    if (!spec.node) report(['spec', 'node'], 'must name the host');
    if (!spec.interfaceName && !spec.expectedIPs)
      report(['spec', 'interfaceName'], "must be an interface name, '*', or left out beside expectedIPs");
  });

export const hostEndpoint = defineKind('HostEndpoint', schema);
