/**
 * What has become of the endpoints of this host, told after the round that changed it. Looked at are the endpoints that
 * were touched, by an update or by their link; while something is wrong, and when it is right again, all of them.
 */
import type { LocalHostEndpoint, LocalWorkload, TierPolicies } from '../calc/index.ts';
import type { Link } from '../kernel/index.ts';
import type { Direction } from '../model/index.ts';
import { type IdKey, idKey, idText } from '../model/index.ts';
import {
  ANY_INTERFACE,
  type EndpointChain,
  endpointChainName,
  policyChainName,
  profileChainName,
} from '../rules/index.ts';
import type { Drivers } from './drivers.ts';
import { hostSubject, interfaceSubject } from './faults.ts';
import type { Job, JobFailure } from './jobs.ts';
import type { Managers } from './managers.ts';
import type { EndpointState, EndpointStatus, StatusListener } from './status.ts';

type Failures = ReadonlyMap<Job, JobFailure>;
/** Chains → what is wrong about them. */
type Problems = ReadonlyMap<string, readonly string[]>;
type Id = EndpointStatus['id'];

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];
const WORKLOAD_CHAINS: readonly EndpointChain[] = ['toWorkload', 'fromWorkload'];
const HOST_CHAINS: readonly EndpointChain[] = ['toHost', 'fromHost', 'toHostForward', 'fromHostForward'];

export class EndpointStatuses {
  readonly #managers: Managers;
  readonly #drivers: Drivers;
  readonly #listener: StatusListener;
  readonly #told = new Map<IdKey, EndpointStatus>();
  readonly #touchedLinks = new Set<string>();
  #wasWrong = false;
  #allTold = false;

  constructor(managers: Managers, drivers: Drivers, listener: StatusListener) {
    this.#managers = managers;
    this.#drivers = drivers;
    this.#listener = listener;
    drivers.links.onLink((before, after) => this.#touchedLinks.add((after ?? before)!.name));
  }

  /** `failures`: families whose chains could not be written; `takenIn`: whether the managers know of everything there is. */
  settle(failures: Failures, takenIn: boolean): void {
    const { workloads, hostEndpoints, reachability, tables, faults } = this.#managers;
    const { qdiscs, routes, neighbours, sysctls } = this.#drivers;
    const touched = new Set(workloads.takeTouched());
    const hosts = hostEndpoints.takeTouched() || this.#touchedLinks.size > 0;
    const interfaces = [this.#touchedLinks, ...[...reachability.values()].map((family) => family.takeContested())];
    for (const names of interfaces)
      for (const name of names) for (const id of workloads.claimants(name)) touched.add(id);
    this.#touchedLinks.clear();
    if (!this.#listener.onEndpointStatus) return;
    const problems = tables.problems();
    const wrong = [
      problems,
      failures,
      faults.all,
      routes.failures,
      neighbours.failures,
      qdiscs.failures,
      sysctls.failures,
    ].some(({ size }) => size > 0);
    if (wrong || this.#wasWrong) for (const id of workloads.all.keys()) touched.add(id);
    for (const key of touched) {
      const workload = workloads.all.get(key);
      if (workload) this.#judge(key, workload.endpoint.id, () => this.#ofWorkload(workload, problems, failures));
      else this.#put(key, null);
    }
    if (hosts || wrong || this.#wasWrong) this.#settleHosts(problems, failures);
    this.#wasWrong = wrong;
    if (!takenIn || this.#allTold) return;
    this.#allTold = true;
    this.#listener.onEndpointsTold?.();
  }

  #settleHosts(problems: Problems, failures: Failures): void {
    const { all, byInterface } = this.#managers.hostEndpoints;
    const interfaces = new Map<IdKey, string[]>();
    for (const [name, { endpoint }] of byInterface)
      interfaces.set(idKey(endpoint.id), [...(interfaces.get(idKey(endpoint.id)) ?? []), name]);
    for (const key of [...this.#told.keys()]) if (key.startsWith('HostEndpoint') && !all.has(key)) this.#put(key, null);
    for (const [key, host] of all)
      this.#judge(key, host.endpoint.id, () => this.#ofHost(host, interfaces.get(key) ?? [], problems, failures));
  }

  #ofWorkload(workload: LocalWorkload, problems: Problems, failures: Failures): EndpointStatus {
    const { id, interfaceName, profiles } = workload.endpoint;
    const { workloads, reachability, faults } = this.#managers;
    const owner = workloads.owners.get(interfaceName);
    if (owner && idKey(owner.endpoint.id) !== idKey(id))
      return { id, state: 'error', problems: [`interface ${interfaceName} is that of ${idText(owner.endpoint.id)}`] };
    const found = [
      ...WORKLOAD_CHAINS.map((kind) => endpointChainName(kind, interfaceName)),
      ...this.#chainsOf(workload.tiers, profiles, problems),
    ].flatMap((chain) => problems.get(chain) ?? []);
    found.push(...faults.problems(interfaceSubject(interfaceName)));
    const { qdiscs, links } = this.#drivers;
    found.push(...qdiscs.failuresOf(interfaceName).map(({ subject, message }) => `${subject}: ${message}`));
    if (qdiscs.isPending(interfaceName)) found.push(...failureOf('bandwidths', failures));
    for (const [family, part] of reachability) {
      found.push(...part.problems(interfaceName));
      if (part.waits(interfaceName)) found.push(...failureOf(`chains of IPv${family}`, failures));
      if (part.isPending(interfaceName)) found.push(...failureOf(`routes of IPv${family}`, failures));
    }
    return status(id, found, isUp(links.byName(interfaceName)));
  }

  #ofHost(
    { endpoint, tiers, forward, untracked, preDnat }: LocalHostEndpoint,
    interfaces: readonly string[],
    problems: Problems,
    failures: Failures,
  ): EndpointStatus {
    const { links } = this.#drivers;
    const own = interfaces.flatMap((name) => {
      const subject = name === '*' ? ANY_INTERFACE : name;
      return HOST_CHAINS.map((kind) => endpointChainName(kind, subject));
    });
    const policies = this.#chainsOf([...tiers, ...forward, ...untracked, ...preDnat], endpoint.profiles, problems);
    const found = [...own, ...policies].flatMap((chain) => problems.get(chain) ?? []);
    found.push(...interfaces.flatMap((name) => this.#managers.faults.problems(hostSubject(name))));
    for (const family of this.#managers.tables.families) found.push(...failureOf(`chains of IPv${family}`, failures));
    return status(
      endpoint.id,
      found,
      interfaces.some((name) => name === '*' || isUp(links.byName(name))),
    );
  }

  /** The chains of an endpoint's policies and profiles; none when nothing is wrong with any. */
  #chainsOf(tiers: readonly TierPolicies[], profiles: readonly string[], problems: Problems): string[] {
    if (problems.size === 0) return [];
    const { storedName } = this.#managers.policies;
    return DIRECTIONS.flatMap((direction) => [
      ...tiers.flatMap((tier) =>
        tier[direction].map((id) => policyChainName(direction, { id, storedName: storedName(id) })),
      ),
      ...profiles.map((profile) => profileChainName(direction, profile)),
    ]);
  }

  /** Of one that cannot be judged something is wrong. */
  #judge(key: IdKey, id: Id, judge: () => EndpointStatus): void {
    let found: EndpointStatus;
    try {
      found = judge();
    } catch (error) {
      found = status(id, [String(error)], false);
    }
    this.#put(key, found);
  }

  /** Null: it is no longer here. */
  #put(key: IdKey, status: EndpointStatus | null): void {
    const before = this.#told.get(key);
    const id = (status ?? before)?.id;
    if (!id || (before && status && same(before, status))) return;
    if (status) this.#told.set(key, status);
    else this.#told.delete(key);
    this.#listener.onEndpointStatus?.(id, status);
  }
}

function status(id: Id, problems: readonly string[], up: boolean): EndpointStatus {
  const state: EndpointState = problems.length > 0 ? 'error' : up ? 'up' : 'down';
  return { id, state, problems: [...new Set(problems)] };
}

const isUp = (link: Link | undefined): boolean => link?.running === true;

/** Why the job is not done, or nothing at all. */
function failureOf(job: Job, failures: Failures): string[] {
  const found = [job, 'start', 'round'] as const;
  const why = found.find((one) => failures.has(one));
  return why ? [`${why === job ? job : 'the kernel'} cannot be programmed: ${String(failures.get(why)?.error)}`] : [];
}

function same(a: EndpointStatus, b: EndpointStatus): boolean {
  return a.state === b.state && a.problems.join('\n') === b.problems.join('\n');
}
