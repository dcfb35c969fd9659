/** Changes that Neutron's driver tells: each object's in their order, whatever order they come in. */
import { CalicoError } from '../../errors/index.ts';
import { portRecords } from '../dhcp-records.ts';
import type { Region } from '../region.ts';
import { networkKey, networkOf, portOptionsOf } from './dhcp.ts';
import { endpointOf, endpointPrefix, hostOfEndpoint } from './endpoint.ts';
import type { KnownEndpoints } from './known-endpoints.ts';
import type { GroupFacts, NetworkFacts, PortFacts, Project, Subnet } from './neutron.ts';
import { policyKey, policyOf, type RuleProblem, UNPOLICED_ID, unpolicedPolicy } from './policy.ts';
import { subnetOf } from './subnet.ts';
import type { Writer, Written } from './writer.ts';

/** One object's state; `null`: it is deleted, and no state of it that comes later is newer. */
export type Change =
  | { readonly kind: 'port'; readonly id: string; readonly facts: PortFacts | null }
  | { readonly kind: 'security_group'; readonly id: string; readonly facts: GroupFacts | null }
  | { readonly kind: 'network'; readonly id: string; readonly facts: NetworkFacts | null }
  | { readonly kind: 'subnet'; readonly id: string; readonly facts: Subnet | null };

export type Result = Written & { readonly late: boolean };

const KINDS: readonly string[] = ['port', 'security_group', 'network', 'subnet'] satisfies Change['kind'][];

/** Objects of which is remembered how new they are. */
const REMEMBERED = 200_000;
const DELETED = Number.POSITIVE_INFINITY;
const NOTHING: Written = { written: 0, deleted: 0 };

export interface ChangesOptions {
  readonly region: Region;
  readonly writer: Writer;
  readonly endpoints: KnownEndpoints;
  readonly projectOf: (id: string) => Promise<Project>;
  readonly interfaceLength: number;
  readonly onProblems: (problems: readonly RuleProblem[]) => void;
}

export class Changes {
  readonly #options: ChangesOptions;
  /** Per object, the oldest first. */
  readonly #revisions = new Map<string, number>();
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Counts changes taken; per object the last one's number. */
  readonly #takenAt = new Map<string, number>();
  #taken = 0;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** A moment: `changedSince` tells what was taken after it. */
  get moment(): number {
    return this.#taken;
  }

  changedSince(moment: number, object: string): boolean {
    return (this.#takenAt.get(object) ?? 0) > moment;
  }

  /** Resolves when it is in the datastore, or is older than what is. Errors: E_INVALID, E_DATASTORE, E_CONFLICT. */
  async take(change: Change): Promise<Result> {
    return this.inTurn(change.id, async () => {
      const revision = revisionOf(change);
      if (revision < (this.#revisions.get(change.id) ?? Number.NEGATIVE_INFINITY)) return { ...NOTHING, late: true };
      remember(this.#takenAt, change.id, ++this.#taken);
      const written = await this.#apply(change);
      remember(this.#revisions, change.id, revision);
      return { ...written, late: false };
    });
  }

  /** After everything that was asked for the object before. */
  async inTurn<T>(object: string, task: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(object) ?? Promise.resolve();
    const turn = before.catch(() => {}).then(task);
    this.#queues.set(object, turn);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(object) === turn) this.#queues.delete(object);
    }
  }

  async #apply(change: Change): Promise<Written> {
    const { region, writer } = this.#options;
    switch (change.kind) {
      case 'port':
        return this.#port(change.id, change.facts);
      case 'security_group': {
        if (!change.facts) return writer.settle([], [policyKey(region, change.id)]);
        const { policy, problems } = policyOf(region, change.facts);
        if (problems.length > 0) this.#options.onProblems(problems);
        return writer.settle([policy], []);
      }
      case 'subnet': {
        const record = change.facts && subnetOf(region, change.facts);
        return writer.settle(record ? [record] : [], [`${region.subnets}${change.id}`]);
      }
      case 'network': {
        const record = change.facts && networkOf(region, change.facts);
        return writer.settle(record ? [record] : [], [networkKey(region, change.id)]);
      }
    }
  }

  async #port(id: string, facts: PortFacts | null): Promise<Written> {
    const { region, writer, endpoints, projectOf, interfaceLength } = this.#options;
    const outcome = facts
      ? endpointOf(region, facts, await projectOf(facts.port.project_id ?? ''), interfaceLength)
      : 'nothing';
    if (outcome === 'keep') return NOTHING;
    const present = endpoints.keysOf(id).flatMap((key) => [key, ...this.#optionsBeside(key, id)]);
    if (outcome === 'nothing') return writer.settle([], present);
    if (facts?.port.port_security_enabled === false) {
      // A resync that has not heard of this port must leave the policy there.
      remember(this.#takenAt, UNPOLICED_ID, ++this.#taken);
      await writer.settle([unpolicedPolicy(region)], []);
    }
    const host = facts?.port['binding:host_id'] as string;
    const options = portOptionsOf(region, host, (facts as PortFacts).port);
    const wanted = [outcome.endpoint, ...(options ? [options] : [])];
    const written = await writer.settle(wanted, present);
    endpoints.add(outcome.endpoint.key);
    return written;
  }

  /** Where the DHCP agent of the endpoint's host is told of the port. */
  #optionsBeside(key: string, id: string): string[] {
    const { region } = this.#options;
    const host = hostOfEndpoint(key.slice(endpointPrefix(region).length));
    return host === null ? [] : [portRecords(region, host) + id];
  }
}

function revisionOf(change: Change): number {
  if (change.facts === null) return DELETED;
  return objectOf(change.kind, change.facts).revision_number ?? 0;
}

/** Of its facts, the object itself. */
function objectOf(kind: string, facts: object): { id?: string; revision_number?: number } {
  return (facts as { [name: string]: object })[kind] ?? facts;
}

function remember(map: Map<string, number>, id: string, value: number): void {
  map.delete(id);
  map.set(id, value);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value as string);
}

/** The change that a driver's message is. E_INVALID. */
export function changeOf(message: unknown): Change {
  const { kind, id, facts } = (message ?? {}) as { [name: string]: unknown };
  const wrong = (what: string) => new CalicoError('E_INVALID', String(id), what);
  if (typeof id !== 'string' || id === '') throw wrong('a change names its object');
  if (facts === undefined || typeof facts !== 'object') throw wrong('a change has the facts of its object');
  if (typeof kind !== 'string' || !KINDS.includes(kind)) throw wrong(`of an unknown kind: ${kind}`);
  if (facts !== null && objectOf(kind, facts).id !== id) throw wrong('its facts are of another object');
  return message as Change;
}
