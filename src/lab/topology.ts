/** What a lab consists of: hosts, workloads on them, address pools, a router outside. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, parseCidr } from '../net/index.ts';

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/, 'lower-case letters, digits and - are allowed');
const labels = z.record(z.string(), z.string());
const prefix = z.string().transform((text, context): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) context.addIssue(`no prefix: ${text}`);
  return parsed as Cidr;
});
const as = z.int().min(1).max(4294967295);

const workload = z.strictObject({ labels: labels.default({}) });
const host = z.strictObject({
  labels: labels.default({}),
  /** A number of them, or each by its name. */
  workloads: z.union([z.int().min(0).max(200), z.record(name, workload.nullable())]).default(2),
});
const router = z.strictObject({
  asNumber: as.default(65000),
  peers: z.array(name).optional(),
  networks: z.array(prefix).default(['198.51.100.0/24' as Cidr, '2001:db8:100::/64' as Cidr]),
});
const file = z.strictObject({
  hosts: z.record(name, host.nullable()),
  pools: z
    .array(z.strictObject({ cidr: prefix, blockSize: z.int().optional(), natOutgoing: z.boolean().default(false) }))
    .default([
      { cidr: '10.65.0.0/16' as Cidr, natOutgoing: false },
      { cidr: 'fd65::/64' as Cidr, natOutgoing: false },
    ]),
  asNumber: as.default(64512),
  /** null: no router. */
  router: router
    .nullable()
    .default({ asNumber: 65000, networks: ['198.51.100.0/24' as Cidr, '2001:db8:100::/64' as Cidr] }),
});

type Parsed = z.output<typeof file>;

export interface Workload {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Host {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly workloads: readonly Workload[];
}

export interface Router {
  readonly name: string;
  readonly asNumber: number;
  /** Hosts that it peers with. */
  readonly peers: readonly string[];
  /** What it announces; its own address is the first of each. */
  readonly networks: readonly Cidr[];
}

export interface Topology {
  readonly hosts: readonly Host[];
  readonly pools: readonly Parsed['pools'][number][];
  readonly asNumber: number;
  readonly router: Router | null;
}

/** Roles of workloads that have no name of their own, in turn. */
const APPS = ['web', 'db'];
const RESERVED = ['net', 'router'];

/** `hosts` hosts with `workloads` workloads each, and a router at the first host. */
export function defaultTopology(hosts: number, workloads: number): Topology {
  const names = Array.from({ length: hosts }, (_, i) => `host${i + 1}`);
  return complete({ hosts: Object.fromEntries(names.map((host) => [host, { workloads }])) }, 'topology');
}

/** E_FILE: unreadable or not YAML; E_INVALID: not a topology. */
export async function readTopology(path: string): Promise<Topology> {
  let document: unknown;
  try {
    document = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new CalicoError('E_FILE', path, (cause as Error).message.split('\n')[0] as string, { cause });
  }
  return complete(document, path);
}

function complete(document: unknown, subject: string): Topology {
  const result = file.safeParse(document);
  if (!result.success) throw invalid(subject, z.prettifyError(result.error).replace(/\s*\n\s*/g, ' '));
  const { hosts, pools, asNumber, router } = result.data;
  const topology: Topology = {
    hosts: Object.entries(hosts).map(([name, spec], index) => completeHost(name, spec, index + 1)),
    pools,
    asNumber,
    router: router && { ...router, name: 'router', peers: router.peers ?? Object.keys(hosts).slice(0, 1) },
  };
  check(topology, subject);
  return topology;
}

function completeHost(name: string, spec: Parsed['hosts'][string], number: number): Host {
  const { labels = {}, workloads = 2 } = spec ?? {};
  const named =
    typeof workloads === 'number'
      ? Array.from({ length: workloads }, (_, i) => ({
          name: `w${number}-${i + 1}`,
          labels: { app: APPS[i % APPS.length] as string },
        }))
      : Object.entries(workloads).map(([workload, spec]) => ({ name: workload, labels: spec?.labels ?? {} }));
  return { name, labels, workloads: named.map((w) => ({ ...w, labels: { ...w.labels, host: name } })) };
}

function check(topology: Topology, subject: string): void {
  const names = topology.hosts.flatMap((host) => [host.name, ...host.workloads.map((workload) => workload.name)]);
  const twice = names.find((one, index) => names.indexOf(one) !== index || RESERVED.includes(one));
  if (twice)
    throw invalid(
      subject,
      `the name ${twice} is used twice`,
      'hosts, workloads, net and router share one set of names',
    );
  const stranger = topology.router?.peers.find((peer) => !topology.hosts.some((host) => host.name === peer));
  if (stranger) throw invalid(subject, `router.peers names ${stranger}, which is no host`);
  if (topology.hosts.length === 0) throw invalid(subject, 'there is no host');
  if (topology.hosts.length > 250) throw invalid(subject, 'more than 250 hosts');
}

function invalid(subject: string, message: string, hint?: string): CalicoError {
  return new CalicoError('E_INVALID', subject, message, hint ? { hint } : {});
}
