/** BIRD's configuration for the router outside the cluster. Pure. */
import { familyOf } from '../net/index.ts';
import { firstHostOf, type Plan } from './plan.ts';
import type { Router, Topology } from './topology.ts';

/** The topology must have a router. */
export function renderRouter(topology: Topology, plan: Plan): string {
  const router = topology.router as Router;
  const self = plan.router as NonNullable<Plan['router']>;
  const peers = plan.hosts.filter(({ name }) => router.peers.includes(name));
  return [
    'log stderr all;',
    `router id ${self.ipv4};`,
    'protocol device { }',
    'protocol direct { ipv4; ipv6; interface "eth0"; }',
    ...([4, 6] as const).flatMap((family) => {
      const networks = router.networks.filter((network) => familyOf(network) === family);
      // It talks to workloads from an address that they can only have learnt of by BGP.
      const source = networks[0] ? `krt_prefsrc = ${firstHostOf(networks[0])}; ` : '';
      const local = family === 4 ? self.ipv4 : self.ipv6;
      return [
        `protocol static networks${family} { ipv${family}; ${networks.map((network) => `route ${network} unreachable;`).join(' ')} }`,
        `protocol kernel kernel${family} { ipv${family} { import none; export filter {`,
        `  if source != RTS_BGP then reject; ${source}accept; }; }; }`,
        ...peers.flatMap((host) => [
          `protocol bgp ${host.name.replace(/\W/g, '_')}_${family} {`,
          `  local ${local} as ${router.asNumber};`,
          `  neighbor ${family === 4 ? host.ipv4 : host.ipv6} as ${topology.asNumber};`,
          '  multihop; graceful restart on; connect delay time 1; connect retry time 2; error wait time 1, 5;',
          `  ipv${family} { import all; export where proto = "networks${family}"; gateway recursive; };`,
          '}',
        ]),
      ];
    }),
    '',
  ].join('\n');
}
