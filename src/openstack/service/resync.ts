/** Compares all that Neutron has with all that is stored, and mends what differs. */
import type { KeyValue, Store } from '../../datastore/index.ts';
import { networkRecords } from '../dhcp-records.ts';
import type { Region } from '../region.ts';
import type { Changes } from './changes.ts';
import { type Desired, desiredOf, type Wanted } from './desired.ts';
import { allPortRecords } from './dhcp.ts';
import { endpointPrefix, portOfEndpoint } from './endpoint.ts';
import type { Project } from './neutron.ts';
import type { NeutronApi } from './neutron-api.ts';
import { policyPrefix, type RuleProblem } from './policy.ts';
import type { Writer } from './writer.ts';

/** Writes under way at a time. */
const AT_ONCE = 32;

export interface ResyncOptions {
  readonly region: Region;
  readonly store: Store;
  readonly writer: Writer;
  readonly neutron: NeutronApi;
  readonly changes: Changes;
  readonly projects: { refresh(): Promise<void>; get(id: string): Promise<Project> };
  readonly interfaceLength: number;
  readonly onProblems: (problems: readonly RuleProblem[]) => void;
}

export interface Progress {
  phase: 'datastore' | 'neutron' | 'compare' | 'write' | 'done';
  /** Objects that Neutron wants something stored for. */
  wanted: number;
  stored: number;
  /** Differences found, and what became of them so far. */
  differing: number;
  written: number;
  deleted: number;
  /** Somebody was quicker. */
  skipped: number;
  /** Seconds that Neutron and Keystone took for their answers, and all of it. */
  neutronSeconds: number;
  seconds: number;
}

/**
 * One resync. The datastore is read before Neutron: what is stored and not in Neutron's list was deleted, if that list is
 * complete; it is, or this throws and nothing is deleted. A key that was written meanwhile is left to whoever wrote it.
 * Errors: E_DATASTORE, E_REFUSED.
 */
export async function resync(options: ResyncOptions, progress: Progress): Promise<void> {
  const { region, store, changes } = options;
  const started = performance.now();
  const moment = changes.moment;
  const stored = new Map<string, KeyValue>();
  for (const prefix of prefixesOf(region))
    for (const item of (await store.list(prefix)).items) stored.set(item.key, item);
  progress.stored = stored.size;

  progress.phase = 'neutron';
  const asked = performance.now();
  const [all] = await Promise.all([options.neutron.everything(), options.projects.refresh()]);
  progress.neutronSeconds = seconds(asked);

  progress.phase = 'compare';
  const desired = await desiredOf(region, all, (id) => options.projects.get(id), options.interfaceLength);
  progress.wanted = desired.records.size;
  if (desired.problems.length > 0) options.onProblems(desired.problems);

  progress.phase = 'write';
  const created = await write(options, desired, stored, moment, progress);
  await remove(options, desired, stored, moment, progress);
  await checkCreated(options, created, progress);
  progress.phase = 'done';
  progress.seconds = seconds(started);
}

export function newProgress(): Progress {
  const counts = { wanted: 0, stored: 0, differing: 0, written: 0, deleted: 0, skipped: 0 };
  return { phase: 'datastore', ...counts, neutronSeconds: 0, seconds: 0 };
}

/** Resolves to what was not there before. */
async function write(
  { writer, changes }: ResyncOptions,
  desired: Desired,
  stored: ReadonlyMap<string, KeyValue>,
  moment: number,
  progress: Progress,
): Promise<Wanted[]> {
  const created: Wanted[] = [];
  await each(desired.records.values(), (wanted) =>
    changes.inTurn(wanted.object, async () => {
      const present = stored.get(wanted.key);
      if (changes.changedSince(moment, wanted.object)) return;
      if (!(await writer.mend(wanted, present))) return;
      progress.differing++;
      progress.written++;
      if (!present) created.push(wanted);
    }),
  );
  return created;
}

async function remove(
  { region, writer, changes }: ResyncOptions,
  desired: Desired,
  stored: ReadonlyMap<string, KeyValue>,
  moment: number,
  progress: Progress,
): Promise<void> {
  const objectOf = (key: string): string | null => {
    const endpoints = endpointPrefix(region);
    if (key.startsWith(endpoints)) return portOfEndpoint(key.slice(endpoints.length));
    const policies = policyPrefix(region);
    return key.startsWith(policies) ? key.slice(policies.length) : key.slice(key.lastIndexOf('/') + 1);
  };
  const surplus = [...stored.values()].filter(({ key }) => !desired.records.has(key));
  await each(surplus, async (item) => {
    const object = objectOf(item.key);
    if (object !== null && (desired.kept.has(object) || changes.changedSince(moment, object))) return;
    progress.differing++;
    if (await writer.remove(item)) progress.deleted++;
    else progress.skipped++;
  });
}

/** What was written anew may have been deleted through another service meanwhile, which found nothing to delete. */
async function checkCreated(
  { region, neutron, writer, store }: ResyncOptions,
  created: readonly Wanted[],
  progress: Progress,
): Promise<void> {
  const kinds = [
    ['ports', endpointPrefix(region)],
    ['ports', allPortRecords(region)],
    ['networks', networkRecords(region)],
    ['security-groups', policyPrefix(region)],
    ['subnets', region.subnets],
  ] as const;
  for (const [collection, prefix] of kinds) {
    const ours = created.filter(({ key, revision }) => key.startsWith(prefix) && revision !== undefined);
    if (ours.length === 0) continue;
    const there = await neutron.ids(collection);
    for (const { key, object } of ours) {
      const item = there.has(object) ? null : await store.get(key);
      if (item && (await writer.remove(item))) progress.deleted++;
    }
  }
}

/** What the keys of everything start with that Neutron's objects become. */
function prefixesOf(region: Region): string[] {
  return [endpointPrefix(region), policyPrefix(region), region.subnets, networkRecords(region), allPortRecords(region)];
}

async function each<T>(items: Iterable<T>, task: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
