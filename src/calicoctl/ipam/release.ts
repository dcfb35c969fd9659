/** ipam release: of one address, or of those that a report of ipam check says nobody uses. */
import type { Resource } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { applyFix, check, Ipam, planFix, type ReleaseOf, readSnapshot } from '../../ipam/index.ts';
import { type Ip, parseIp } from '../../net/index.ts';
import { VERSION } from '../../program/index.ts';
import { readText } from '../documents.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { parseAddress } from './address.ts';
import { parseReport, type Report } from './report.ts';

export interface ReleaseOptions {
  readonly config?: string;
  readonly ip?: string;
  readonly fromReport?: string;
  readonly force?: boolean;
}

export async function release(io: Io, options: ReleaseOptions): Promise<void> {
  const { config, ip, fromReport, force = false } = options;
  if (ip !== undefined) return releaseOne(io, config, parseAddress('--ip', ip));
  if (fromReport === undefined)
    throw new CalicoError('E_USAGE', 'calicoctl ipam release', 'needs an address', { hint: '--ip or --from-report' });
  const report = parseReport(await readText(io, fromReport), fromReport);
  await withClient(io, config, async (client) => {
    checkReport(io, report, await client.get('ClusterInformation', 'default'), force);
    await releaseReported(io, client, report);
  });
  io.out('You may now unlock the data store.\n');
}

async function releaseOne(io: Io, config: string | undefined, address: Ip): Promise<void> {
  const unused = await withClient(io, config, ({ store }) => new Ipam(store).release([address]));
  if (unused.length > 0) throw new CalicoError('E_NOT_FOUND', address, 'the address is not assigned');
  io.out(`Successfully released IP address ${address}\n`);
}

/** Is it of this cluster, as it is now? E_REFUSED, E_NOT_LOCKED. */
function checkReport(io: Io, report: Report, { metadata, spec }: Resource, force: boolean): void {
  const refuse = (message: string, hint: string): never => {
    throw new CalicoError('E_REFUSED', 'ipam release', message, { hint });
  };
  if (report.clusterGUID !== spec?.clusterGUID) refuse('the report is of another cluster', 'check this one');
  if (report.clusterInformationRevision !== metadata.resourceVersion)
    refuse('the report is stale: the datastore has been locked or unlocked since', 'lock it, check, then release');
  const all = Object.values(report.allocations).flat();
  if (!force && all.length > 0 && all.every(({ inUse }) => !inUse))
    refuse('the report has no address that is in use: nothing that uses addresses was seen', 'is that so? --force');
  if (spec?.datastoreReady !== false) {
    if (!force)
      throw new CalicoError('E_NOT_LOCKED', 'ipam release', 'the datastore is not locked', {
        hint: 'calicoctl datastore migrate lock, check, then release; or --force',
      });
    io.out('WARNING: Data store is not locked. Ignoring due to --force option\n');
  }
  if (report.version !== VERSION) {
    if (!force) refuse(`the report was made by calicoctl ${report.version}, this is ${VERSION}`, '--force');
    io.out('WARNING: Report was produced using a different version of calicoctl. Ignoring due to --force option\n');
  }
}

async function releaseReported(io: Io, client: Client, report: Report): Promise<void> {
  const wanted = Object.values(report.allocations).flatMap((list) => list.flatMap(releaseOf));
  if (wanted.length === 0) io.out('No addresses need to be released.\n');
  else await releaseEach(io, client, wanted);
  const idle = new Set(report.leakedHandles?.map(({ ID }) => ID));
  if (idle.size > 0) await dropHandles(io, client, idle);
}

function releaseOf({ ip, inUse, handle, sequenceNumber }: Report['allocations'][string][number]): ReleaseOf[] {
  const address = parseIp(ip);
  if (inUse || !address) return [];
  const given = sequenceNumber === undefined ? {} : { sequenceNumber: BigInt(sequenceNumber) };
  return [{ address, handle: handle ?? null, ...given }];
}

/** Beyond upstream: not what is in use by now, nor what has been given to another since. */
async function releaseEach(io: Io, { store }: Client, wanted: readonly ReleaseOf[]): Promise<void> {
  io.out(`Releasing ${wanted.length} old IPs\n`);
  const uses = new Map((await readSnapshot(store)).uses.map((use) => [use.address, use]));
  const ipam = new Ipam(store);
  let released = 0;
  for (const one of wanted) {
    const use = uses.get(one.address);
    const problem = use ? `it is in use by ${use.name} now` : await attempt(ipam, one);
    if (problem === null) released++;
    else io.out(`Warning: ${one.address} is not released: ${problem}\n`);
  }
  io.out(`Released ${released} IPs successfully\n`);
}

/** Null: released. */
async function attempt(ipam: Ipam, one: ReleaseOf): Promise<string | null> {
  try {
    return (await ipam.release([one])).length > 0 ? 'it is not allocated any more' : null;
  } catch (error) {
    if (error instanceof CalicoError && error.code === 'E_CONFLICT') return error.message;
    throw error;
  }
}

/** As far as they still stand for nothing. */
async function dropHandles(io: Io, { store }: Client, idle: ReadonlySet<string>): Promise<void> {
  const { steps } = planFix(check(await readSnapshot(store)));
  const about = steps.filter((step) => step.do === 'recount' && idle.has(step.handle));
  await applyFix(store, { steps: about, left: [], refusal: null });
  io.out(`Released ${about.length} handles\n`);
}
