/** BGPConfiguration: BGP settings of the cluster (`default`) or of one host (`node.NAME`). */
import * as z from 'zod';
import { duration } from '../duration.ts';
import { flagOrUnset, int, item, list, omitted, oneOf, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { asNumber } from '../ports.ts';
import { reporter } from '../report.ts';
import { secret } from '../secret.ts';

const network = () => z.strictObject({ cidr: text(formats.net) });
const prefixes = () => list(z.strictObject({ cidr: item(formats.prefix) }));
const routePriority = () => omitted(z.int().min(1).max(2147483646));

const spec = () =>
  part({
    logSeverityScreen: oneOf(['Debug', 'Info', 'Warning', 'Error', 'Fatal']),
    nodeToNodeMeshEnabled: flagOrUnset(),
    asNumber: omitted(asNumber),
    serviceLoadBalancerIPs: prefixes(),
    serviceExternalIPs: list(network()),
    serviceClusterIPs: list(network()),
    serviceLoadBalancerAggregation: oneOf(['Enabled', 'Disabled']),
    communities: list(z.strictObject({ name: text(formats.bgpName), value: item(formats.community) })),
    prefixAdvertisements: list(
      z.strictObject({
        cidr: item(formats.prefix),
        communities: z.array(item(formats.communityOrName)).min(1, 'must name a community'),
      }),
    ),
    listenPort: int({ min: 0, max: 65535 }),
    nodeMeshPassword: secret(),
    nodeMeshMaxRestartTime: duration(),
    bindMode: oneOf(['None', 'NodeIP']),
    ignoredInterfaces: list(item(formats.interfacePattern)),
    localWorkloadPeeringIPV4: text(formats.ipv4),
    localWorkloadPeeringIPV6: text(formats.ipv6),
    programClusterRoutes: oneOf(['Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly']),
    ipv4NormalRoutePriority: routePriority(),
    ipv6NormalRoutePriority: routePriority(),
  });

const schema = () =>
  resourceSchema('BGPConfiguration', clusterMetadata(formats.name), { spec: spec() }).superRefine(
    ({ metadata, spec }, context) => {
      const report = reporter(context);
      if (metadata.name.startsWith('node.'))
        for (const field of ['nodeToNodeMeshEnabled', 'nodeMeshPassword', 'nodeMeshMaxRestartTime'] as const)
          if (spec[field] !== undefined) report(['spec', field], 'is only for the cluster-wide configuration, default');
      const advertised = new Set((spec.prefixAdvertisements ?? []).flatMap(({ communities }) => communities));
      for (const [index, { name }] of (spec.communities ?? []).entries())
        if (name && !advertised.has(name))
          report(['spec', 'communities', index], 'is not used by any of the prefixAdvertisements');
      const known = new Set((spec.communities ?? []).map(({ name }) => name));
      for (const [index, { communities }] of (spec.prefixAdvertisements ?? []).entries())
        for (const name of communities)
          if (!name.includes(':') && !known.has(name))
            report(['spec', 'prefixAdvertisements', index, 'communities'], `'${name}' is not one of the communities`);
    },
  );

export const bgpConfiguration = defineKind({
  kind: 'BGPConfiguration',
  plural: 'bgpconfigurations',
  aliases: ['bgpconfiguration', 'bgpconfig', 'bgpconfigs'],
  schema,
});
