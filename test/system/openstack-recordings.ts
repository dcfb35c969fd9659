/** What upstream's driver was recorded to write, and what ours writes, made comparable: without ids, addresses and times. */
import { readdirSync, readFileSync } from 'node:fs';

const VECTORS = 'test/vectors/neutron/';

export type Dump = Record<string, unknown>;

/** Neutron's objects of the recorded steps, under names of ours. */
export interface Objects {
  readonly [name: string]: { readonly id: string } | undefined;
}

interface Port {
  readonly id: string;
  readonly mac_address: string;
  readonly fixed_ips: readonly { readonly ip_address: string }[];
}

export function recorded(step: number): Dump {
  const file = readdirSync(VECTORS).find((name) => name.startsWith(`${step}-`)) as string;
  return JSON.parse(readFileSync(VECTORS + file, 'utf8'));
}

export function recordedObjects(): Objects {
  const answer = (name: string) =>
    Object.values(JSON.parse(readFileSync(`${VECTORS}${name}.resp`, 'utf8')))[0] as never;
  const port2 = answer('port2') as { security_groups: string[] };
  const update = answer('port-update') as { security_groups: string[] };
  return {
    net: answer('net'),
    s4: answer('s4'),
    s6: answer('s6'),
    web: answer('sg'),
    db: { id: update.security_groups[0] as string },
    default: { id: port2.security_groups[0] as string },
    port: answer('port'),
    port2: answer('port2'),
  };
}

/** The dump with the objects' names for their ids, their addresses and MACs, and without what belongs to one run only. */
export function comparable(dump: Dump, objects: Objects): Dump {
  let text = JSON.stringify(dump);
  for (const [name, object] of Object.entries(objects)) {
    if (!object) continue;
    const { id, mac_address, fixed_ips } = object as Port;
    text = text.replaceAll(id, name).replaceAll(id.replaceAll('-', '--'), name).replaceAll(id.slice(0, 11), name);
    if (mac_address) text = text.replaceAll(mac_address, `${name}'s mac`);
    for (const [i, { ip_address }] of (fixed_ips ?? []).entries())
      text = text
        .replaceAll(`"${ip_address}/`, `"${name}'s address ${i}/`)
        .replaceAll(`"${ip_address}"`, `"${name}'s ${i}"`);
  }
  const entries = Object.entries(JSON.parse(text) as Dump).filter(([key]) => !isOfOneRun(key));
  return Object.fromEntries(entries.map(([key, value]) => [key, timeless(value)]));
}

function isOfOneRun(key: string): boolean {
  return key.startsWith('/calico/compaction/') || /round-trip-check|neutron_election|\/host\/[^/]*\/status$/.test(key);
}

/** Rules are in the order of their ids, which differ. */
function timeless(value: unknown): unknown {
  const { metadata, spec } = value as { metadata?: Record<string, unknown>; spec?: Record<string, unknown> };
  if (!metadata || !spec) return value;
  const { uid: _, creationTimestamp: __, ...rest } = metadata;
  const { clusterGUID: ___, ...own } = spec;
  for (const direction of ['ingress', 'egress'])
    if (Array.isArray(own[direction]))
      own[direction] = own[direction].map((rule) => JSON.stringify(inOrder(rule))).sort();
  return { ...(value as object), metadata: rest, spec: own };
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, inOrder(field)]));
}
