/** BGPConfiguration: BGP settings of the cluster (`default`) or of one host (`node.NAME`). */
import * as z from 'zod';
import { duration } from '../duration-field.ts';
import { flagOrUnset, int, item, list, omitted, oneOf, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { newer, specDefaults } from '../newer.ts';
import { asNumber } from '../ports.ts';
import { reporter } from '../report.ts';
import { secret } from '../secret.ts';

const network = () => z.strictObject({ cidr: text(formats.net) });
const prefixes = () => list(z.strictObject({ cidr: item(formats.prefix) }));
const routePriority = () => omitted(z.int().min(1).max(2147483646));

/** Fields that have no meaning for one host. */
const CLUSTER_WIDE = ['nodeToNodeMeshEnabled', 'asNumber', 'nodeMeshPassword', 'nodeMeshMaxRestartTime'] as const;

const spec = () =>
  part({
    logSeverityScreen: oneOf(['Debug', 'Info', 'Warning', 'Error', 'Fatal']),
    nodeToNodeMeshEnabled: flagOrUnset(),
    asNumber: omitted(asNumber),
    ...newer({ serviceLoadBalancerIPs: prefixes() }),
    serviceExternalIPs: list(network()),
    serviceClusterIPs: list(network()),
    ...newer({
      serviceLoadBalancerAggregation: oneOf(['Enabled', 'Disabled']),
      communities: list(z.strictObject({ name: item(formats.bgpName), value: item(formats.community) })),
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
    }),
  });

const schema = () =>
  resourceSchema('BGPConfiguration', clusterMetadata(formats.name), { spec: spec() }).superRefine(
    ({ metadata, spec }, context) => {
      const report = reporter(context);
      if (metadata.name !== 'default')
        for (const field of CLUSTER_WIDE)
          if (spec[field] !== undefined)
            report(['spec', field], 'is only for the configuration of the cluster, default');
      for (const field of ['nodeMeshPassword', 'nodeMeshMaxRestartTime'] as const)
        if (spec[field] && spec.nodeToNodeMeshEnabled === false)
          report(['spec', field], 'must be left out when nodeToNodeMeshEnabled is false');
      if (spec.communities && !spec.prefixAdvertisements)
        report(['spec', 'communities'], 'are not used: there are no prefixAdvertisements');
      const known = new Set((spec.communities ?? []).map(({ name }) => name));
      for (const [index, { communities }] of (spec.prefixAdvertisements ?? []).entries())
        for (const name of communities)
          if (!name.includes(':') && !known.has(name))
            report(['spec', 'prefixAdvertisements', index, 'communities'], `'${name}' is not one of the communities`);
    },
  );

export const bgpConfiguration = defineKind('BGPConfiguration', schema, {
  convert: specDefaults({ logSeverityScreen: 'Info', serviceLoadBalancerAggregation: 'Enabled' }),
});
