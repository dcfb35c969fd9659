/**
 * Random packets under random policy: what the kernel does with each is what `explain` says, on a running lab whose
 * policy, sets, profiles and endpoints change several times.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostEndpoint as guard } from '../../src/calc/testing/resources.ts';
import { describeDecider } from '../../src/calicoctl/explain/describe.ts';
import type { Flow } from '../../src/calicoctl/explain/flow.ts';
import { travel } from '../../src/calicoctl/explain/journey.ts';
import { findPlace } from '../../src/calicoctl/explain/place.ts';
import { Client, loadSnapshot, MemoryStore } from '../../src/datastore/index.ts';
import type { HostEndpoint, Policy, Update } from '../../src/model/index.ts';
import { hasPorts, ICMP, ICMPV6, type Ip } from '../../src/net/index.ts';
import { DEFAULT_RULES_CONFIG } from '../../src/rules/index.ts';
import type { Opening } from '../naive/resources.ts';
import { OUTSIDE, SEED, WORKLOADS } from '../random/clusters.ts';
import { type Document, documentKey, documentsOf, hostEndpoint, node } from '../random/documents.ts';
import { type Owners, openingOf, probesOf } from '../random/journeys.ts';
import { type Case, casesOf } from '../random/openings.ts';
import type { ScenarioFile } from '../scenario/files.ts';
import { type Probe, type ProbeResult, probeKey } from '../scenario/probe.ts';
import { Prober } from '../scenario/prober.ts';
import { Programs, until } from '../scenario/programs.ts';
import { settle } from '../scenario/settle.ts';
import { Topology } from '../scenario/topology.ts';

const CLUSTERS = 5;
const PACKETS = 40;
/** How often one end that is no workload is a host instead of the outside, and one that is a workload a host. */
const HOST_EVERY = 3;
const NO_WORKLOAD_EVERY = 5;

const scenario: ScenarioFile = {
  about: 'random policy',
  hosts: { h1: {}, h2: {} },
  outside: { out: { extra_ips: [...OUTSIDE[4].map((ip) => `${ip}/32`), ...OUTSIDE[6].map((ip) => `${ip}/128`)] } },
  workloads: Object.fromEntries(
    WORKLOADS.map(({ name, node, interfaceName, ips }) => [
      name,
      { host: node, iface: interfaceName, ips: ips as readonly string[] as readonly Ip[] },
    ]),
  ),
  felix: { Ipv6Support: 'true' },
  steps: [],
};

/** Some of the hosts are policed themselves. (Not by `*`: it would police the readiness checks of this test.) */
const hostEndpoints = fc.subarray(Object.keys(scenario.hosts)).chain((names) =>
  fc.tuple(
    ...names.map((host) =>
      fc
        .record({
          interfaceName: fc.constantFrom('eth0', ''),
          labels: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y', 'xy'), { maxKeys: 2 }),
          profiles: fc.constantFrom([], ['p'], ['q', 'p']),
        })
        .map((fields) => guard(`${host}-eth0`, { node: host, ...fields })),
    ),
  ),
);
const role = fc.constantFrom<Partial<Policy>>({}, {}, { preDNAT: true, types: ['ingress'] });

interface Cluster extends Case {
  readonly hosts: readonly HostEndpoint[];
}

/** No doNotTrack policies where they count: answers need their own leave then, and explain speaks of openings. */
const clusters: fc.Arbitrary<Cluster> = fc
  .tuple(casesOf(5 * PACKETS), hostEndpoints, role)
  .map(([{ resources, packets }, hosts, role]) => ({
    packets,
    hosts,
    resources: {
      ...resources,
      policies: resources.policies.map((p) => ({ ...p, ...role, doNotTrack: hosts.length === 0 && p.doNotTrack })),
    },
  }));

describe('the kernel and explain', () => {
  const topology = new Topology(scenario, `kp${process.pid % 10000}-`);
  const programs = new Programs(scenario, topology);
  const work = mkdtempSync(join(tmpdir(), 'kernel-packets-'));
  const addressOf = (host: string, family: 4 | 6) => topology.address(host, family) as Ip;
  const nodes = topology
    .hosts()
    .map((name) => node({ id: { kind: 'Node', name }, ipv4: addressOf(name, 4), ipv6: addressOf(name, 6) }));
  const owners: Owners = new Map<string, string>([
    ...WORKLOADS.flatMap(({ name, ips }) => ips.map((ip) => [ip, name] as const)),
    ...[...OUTSIDE[4], ...OUTSIDE[6]].map((ip) => [ip, 'out'] as const),
    ...topology.hosts().flatMap((name) => ([4, 6] as const).map((family) => [addressOf(name, family), name] as const)),
  ]);
  let present: readonly Document[] = [];

  beforeAll(async () => {
    topology.up();
    knowNeighbours();
    await programs.startEtcd();
    calicoctl('apply', nodes);
    for (const host of topology.hosts()) programs.startFelix(host);
    await until('every Felix ready', 60, () => programs.allReady());
  });

  afterAll(async () => {
    await programs.stop();
    topology.down();
    rmSync(work, { recursive: true });
  });

  /** IPv6 finds its neighbours by ICMPv6, which a host endpoint may deny: explain takes them for known. */
  function knowNeighbours(): void {
    const names = [...topology.hosts(), ...Object.keys(topology.outside())];
    const macs = names.map((name) => topology.shell(name, 'cat /sys/class/net/eth0/address').trim());
    for (const name of names)
      names.forEach((other, i) => {
        if (other !== name)
          topology.ip(name, `-6 neigh replace ${addressOf(other, 6)} lladdr ${macs[i]} dev eth0 nud permanent`);
      });
  }

  function calicoctl(verb: 'apply' | 'delete', documents: readonly Document[]): void {
    if (documents.length === 0) return;
    const file = join(work, 'documents.yaml');
    writeFileSync(file, documents.map((document) => JSON.stringify(document, null, 1)).join('\n---\n'));
    programs.calicoctl(verb, file);
  }

  /** Makes the running cluster this one. */
  async function become({ resources, hosts }: Cluster): Promise<void> {
    const expectedIps = (host: string) => [addressOf(host, 4), addressOf(host, 6)];
    const guards = hosts.map((host) => hostEndpoint({ ...host, expectedIps: expectedIps(host.node) }));
    const documents = [...documentsOf(resources), ...guards];
    const wanted = new Set(documents.map(documentKey));
    calicoctl('apply', documents);
    calicoctl(
      'delete',
      present.filter((document) => !wanted.has(documentKey(document))),
    );
    present = documents;
    await settle(topology, programs);
    // A connection that was allowed before goes on: none may be taken for another's. Felix's own to etcd stays: what etcd
    // sends next would be dropped as a new connection where the host is policed, until Felix itself sends something.
    const ends = [...WORKLOADS.flatMap(({ ips }) => ips), ...OUTSIDE[4], ...OUTSIDE[6]];
    const forget = ends.flatMap((ip) => [`conntrack -D -s ${ip}`, `conntrack -D -d ${ip}`]).join('; ');
    for (const host of topology.hosts()) topology.shell(host, `{ ${forget}; } 2>&1 || true`);
  }

  /** The same packet, but from or to a host every now and then. */
  function amongHosts(packet: Opening, index: number): Opening {
    const host = topology.hosts()[index % topology.hosts().length] as string;
    const other = (ip: string) => {
      const instead = index % (owners.get(ip) === 'out' ? HOST_EVERY : NO_WORKLOAD_EVERY) === 0;
      return instead ? addressOf(host, ip.includes(':') ? 6 : 4) : ip;
    };
    if (owners.get(packet.source) === 'out' || index % 2) return { ...packet, source: other(packet.source) };
    return { ...packet, destination: other(packet.destination) };
  }

  /** What was sent, and what became of it. A packet that should have come through has a second chance. */
  function send(probes: readonly Probe[], expected: readonly Expected[]): ProbeResult[] {
    const prober = new Prober((name) => topology.namespace(name));
    try {
      for (const { to, proto, ip, port } of probes) prober.serve(to, proto, ip, port ?? 0);
      const results = prober.run(probes);
      const lost = [...probes.keys()].filter(
        (i) => expected[i]?.verdict === 'allow' && results[i]?.verdict !== 'allow',
      );
      const again = prober.run(lost.map((i) => probes[i] as Probe));
      lost.forEach((index, i) => {
        results[index] = again[i] as ProbeResult;
      });
      return results;
    } finally {
      prober.close();
    }
  }

  /**
   * So many of the packets, half of them such as should come through as far as there are: most random packets do not.
   * Those that a workload sends to itself never leave it; where there are no ports, what goes the other way would be
   * taken for an answer.
   */
  function chosen({ packets }: Cluster, updates: readonly Update[]): Probe[] {
    const travelling = packets
      .map(amongHosts)
      .filter(({ source, destination }) => owners.get(source) !== owners.get(destination))
      .filter(
        ({ protocol, source, destination }) =>
          hasPorts(protocol) || protocol === ICMP || protocol === ICMPV6 || source < destination,
      );
    const passes = (packet: Opening) => explained(packet as Flow, updates).verdict === 'allow';
    const [passing, denied] = [travelling.filter(passes), travelling.filter((packet) => !passes(packet))];
    const inTurn = [passing.splice(0, PACKETS / 2), denied, passing].flat();
    return probesOf(inTurn.slice(0, PACKETS), owners);
  }

  it(`${CLUSTERS} random clusters, ${PACKETS} random packets each`, async () => {
    const seen = { allow: 0, drop: 0 };
    const deciders = new Set<string>();
    const differing: string[] = [];
    for (const random of fc.sample(clusters, { numRuns: CLUSTERS, seed: SEED })) {
      await become(random);
      const updates = await snapshot(programs);
      const probes = chosen(random, updates);
      const expected = probes.map((probe) => explained(openingOf(probe) as Flow, updates));
      send(probes, expected).forEach((result, i) => {
        const { verdict, by } = expected[i] as Expected;
        seen[verdict]++;
        deciders.add(by);
        if (result.verdict !== verdict)
          differing.push(`${probeKey(result)} dst=${result.dst}: kernel ${result.verdict}, explain ${verdict}: ${by}`);
      });
    }
    expect(differing).toEqual([]);
    // Packets that all meet the same fate, or for the same reason, would show nothing.
    expect(seen.allow + seen.drop).toBe(CLUSTERS * PACKETS);
    expect(Math.min(seen.allow, seen.drop)).toBeGreaterThan((CLUSTERS * PACKETS) / 5);
    expect(deciders.size).toBeGreaterThan(10);
  });
});

interface Expected {
  readonly verdict: 'allow' | 'drop';
  /** The last rule of each host. */
  readonly by: string;
}

function explained(flow: Flow, updates: readonly Update[]): Expected {
  const [from, to] = [flow.source, flow.destination].map((address) => findPlace(address, updates));
  if (!from || !to) throw new RangeError('no places');
  const hops = travel(flow, from, to, { updates, configOf: () => DEFAULT_RULES_CONFIG });
  const passes = hops.every(({ trace }) => trace.verdict === 'accept' && !trace.unrouted);
  const by = hops.map((hop) => `on ${hop.host.node} ${describeDecider(hop.trace.decider, hop)}`).join(', ');
  return { verdict: passes ? 'allow' : 'drop', by };
}

/** As calicoctl would load it: the lab's etcd is out of this process' reach. */
async function snapshot(programs: Programs): Promise<Update[]> {
  const store = new MemoryStore();
  for (const { key, value } of programs.dump()) await store.put(key, value);
  return loadSnapshot(new Client(store));
}
