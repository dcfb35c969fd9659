/** What the v1 API's resources look like: the fields that they had, and no others. */
import * as z from 'zod';
import { parseCidr, parseIp } from '../../net/index.ts';

const labels = z.record(z.string(), z.string());
const ip = z.string().refine((text) => parseIp(text) !== null, 'expected an IP address');
const net = z.string().refine((text) => parseCidr(text) !== null, 'expected an IP address or network');
/** A number, or `1.10` for 65546: two halves of 16 bits. In YAML the latter must be in quotes: it is a number otherwise. */
const asNumber = z
  .union(
    [z.int().min(0).max(0xffff_ffff), z.string().regex(/^\d+(\.\d+)?$/)],
    'expected an AS number such as 64512 or "1.10"',
  )
  .transform((value) => {
    const [high = 0, low] = String(value).split('.').map(Number);
    return low === undefined ? high : high * 0x1_0000 + low;
  });

const protocol = z.union([z.string(), z.int()]);
const ports = z.array(z.union([z.string(), z.int()]));
const icmp = z.strictObject({ type: z.int().optional(), code: z.int().optional() });

const entity = z.strictObject({
  tag: z.string().optional(),
  net: net.optional(),
  nets: z.array(net).optional(),
  selector: z.string().optional(),
  ports: ports.optional(),
  notTag: z.string().optional(),
  notNet: net.optional(),
  notNets: z.array(net).optional(),
  notSelector: z.string().optional(),
  notPorts: ports.optional(),
});

const rule = z.strictObject({
  action: z.string().default(''),
  ipVersion: z.int().optional(),
  protocol: protocol.optional(),
  icmp: icmp.optional(),
  notProtocol: protocol.optional(),
  notICMP: icmp.optional(),
  source: entity.default({}),
  destination: entity.default({}),
});

const endpointPorts = z.array(z.strictObject({ name: z.string(), protocol, port: z.int() }));

/** metadata and spec of each kind, by the kind's v1 name. */
export const V1 = {
  bgpPeer: z.strictObject({
    metadata: z.strictObject({
      scope: z.enum(['global', 'node']),
      node: z.string().optional(),
      peerIP: ip,
    }),
    spec: z.strictObject({ asNumber }),
  }),
  hostEndpoint: z.strictObject({
    metadata: z.strictObject({ name: z.string(), node: z.string(), labels: labels.optional() }),
    spec: z.strictObject({
      interfaceName: z.string().optional(),
      expectedIPs: z.array(ip).default([]),
      profiles: z.array(z.string()).default([]),
      ports: endpointPorts.default([]),
    }),
  }),
  ipPool: z.strictObject({
    metadata: z.strictObject({ cidr: net }),
    spec: z
      .strictObject({
        ipip: z.strictObject({ enabled: z.boolean().optional(), mode: z.string().optional() }).optional(),
        'nat-outgoing': z.boolean().optional(),
        disabled: z.boolean().optional(),
      })
      .default({}),
  }),
  node: z.strictObject({
    metadata: z.strictObject({ name: z.string() }),
    spec: z
      .strictObject({
        bgp: z
          .strictObject({ asNumber: asNumber.optional(), ipv4Address: net.optional(), ipv6Address: net.optional() })
          .optional(),
        orchRefs: z.array(z.strictObject({ orchestrator: z.string(), nodeName: z.string().optional() })).default([]),
      })
      .default({ orchRefs: [] }),
  }),
  policy: z.strictObject({
    metadata: z.strictObject({ name: z.string(), annotations: labels.optional() }),
    spec: z
      .strictObject({
        order: z.number().optional(),
        ingress: z.array(rule).default([]),
        egress: z.array(rule).default([]),
        selector: z.string().optional(),
        doNotTrack: z.boolean().default(false),
        preDNAT: z.boolean().default(false),
        applyOnForward: z.boolean().default(false),
        types: z.array(z.string()).default([]),
      })
      .prefault({}),
  }),
  profile: z.strictObject({
    metadata: z.strictObject({
      name: z.string(),
      labels: labels.default({}),
      tags: z.array(z.string()).default([]),
    }),
    spec: z.strictObject({ ingress: z.array(rule).default([]), egress: z.array(rule).default([]) }).prefault({}),
  }),
  workloadEndpoint: z.strictObject({
    metadata: z.strictObject({
      name: z.string(),
      workload: z.string(),
      orchestrator: z.string(),
      node: z.string(),
      activeInstanceID: z.string().optional(),
      labels: labels.default({}),
    }),
    spec: z.strictObject({
      ipNetworks: z.array(net).default([]),
      ipNATs: z.array(z.strictObject({ internalIP: ip, externalIP: ip })).default([]),
      ipv4Gateway: ip.optional(),
      ipv6Gateway: ip.optional(),
      profiles: z.array(z.string()).default([]),
      interfaceName: z.string().optional(),
      mac: z.string().optional(),
      ports: endpointPorts.default([]),
    }),
  }),
} as const;

export type V1Kind = keyof typeof V1;
export type V1Resource<K extends V1Kind> = z.output<(typeof V1)[K]>;
export type V1Rule = z.output<typeof rule>;
export type V1Entity = z.output<typeof entity>;
