/** `calicoctl explain`: the path of a packet, and the rule that decides about it. */
import { hostname } from 'node:os';
import { Command } from 'commander';
import { encapsulationConfig, resolveConfig, rulesConfig } from '../../config/index.ts';
import { loadSnapshot } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import type { Update } from '../../model/index.ts';
import { wantedEncapsulations, withEncapsulations } from '../../rules/index.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { type FlowOptions, parseFlow } from './flow.ts';
import { travel } from './journey.ts';
import { listingText, listPolicies } from './listing.ts';
import { findPlace } from './place.ts';
import { type Report, reportJson, reportText } from './report.ts';
import type { ConfigOf } from './simulated-host.ts';
import { unusableOn } from './unusable.ts';

interface Options extends FlowOptions {
  readonly from?: string;
  readonly to?: string;
  readonly output: string;
  readonly all?: boolean;
  readonly trace?: boolean;
  readonly live?: boolean;
  readonly node?: string;
  readonly config?: string;
}

/** A host's configuration as the datastore has it; what its environment and felix.cfg add is not known here. */
export const storedConfig: ConfigOf = (node, parameters, pools, own) => {
  const { config } = resolveConfig({ environment: {}, file: '', ...parameters }, node);
  return withEncapsulations(rulesConfig(config), wantedEncapsulations(encapsulationConfig(config), pools), own);
};

export function explainCommand(io: Io): Command {
  return new Command('explain')
    .description('Which rule decides about a packet: runs it through the policy of the hosts on its way, in memory')
    .option('--from <place>', 'workload, node or address that sends')
    .option('--to <place>', 'workload, node or address that receives')
    .option('--protocol <protocol>', 'tcp, udp, sctp, icmp, … or a number', 'tcp')
    .option('--port <port>', 'destination port')
    .option('--source-port <port>', 'source port', '40000')
    .option('--icmp <type>', 'ICMP type, or type/code (default: an echo request)')
    .option('--all', 'every policy that selects an endpoint on the way, in order; with --from or --to alone: its rules')
    .option('--trace', 'every rule that the packet meets')
    .option('--live', "on a host of the way: its kernel's counters, and the rules of others")
    .option('--node <name>', "with --live: this host's name (default: FELIX_FELIXHOSTNAME, else the host's)")
    .option('-o, --output <format>', 'text or json', 'text')
    .option('-c, --config <file>', 'settings of the datastore (default: /etc/calico/calicoctl.cfg)')
    .action((options: Options) => explain(io, options));
}

async function explain(io: Io, options: Options): Promise<void> {
  const { from, to, output, all = false } = options;
  if (output !== 'text' && output !== 'json')
    throw new CalicoError('E_USAGE', `--output ${output}`, 'no such format', { hint: 'text or json' });
  const single = from === undefined ? to : to === undefined ? from : undefined;
  if ((from ?? to) === undefined || (single !== undefined && !all))
    throw new CalicoError('E_USAGE', 'explain', 'needs --from and --to', {
      hint: 'or one of them and --all, for the policies that select an endpoint',
    });
  const updates = await withClient(io, options.config, loadSnapshot);
  const print = (text: () => string, value: () => unknown) =>
    io.out(`${output === 'json' ? JSON.stringify(value(), null, 2) : text()}\n`);
  if (single !== undefined) {
    const place = findPlace(single, updates);
    const listings = listPolicies(place, updates, storedConfig);
    return print(
      () => listingText(place, listings),
      () => listings,
    );
  }
  const report = await follow(io, options, updates);
  print(
    () => reportText(report, { all, trace: options.trace ?? false }),
    () => reportJson(report),
  );
}

async function follow(io: Io, options: Options, updates: readonly Update[]): Promise<Report> {
  const from = findPlace(options.from as string, updates);
  const to = findPlace(options.to as string, updates);
  const flow = parseFlow(options, from, to);
  const around = { updates, configOf: storedConfig };
  if (!options.live) {
    const hops = travel(flow, from, to, around);
    return { flow, from, to, hops, unusable: unusableOn(hops, updates) };
  }
  const { ownInterfaces, readLive } = await import('./live.ts');
  const here = options.node ?? io.env.FELIX_FELIXHOSTNAME ?? hostname().toLowerCase();
  const interfacesOf = (node: string) => (node === here ? ownInterfaces() : undefined);
  const hops = travel(flow, from, to, { ...around, interfacesOf });
  const hop = hops.find(({ host }) => host.node === here);
  if (!hop)
    throw new CalicoError('E_USAGE', `--live on ${here}`, 'the packet does not come by here', {
      hint: `run it on ${hops.map(({ host }) => host.node).join(' or ') || 'a host of the cluster'}, or say --node`,
    });
  return { flow, from, to, hops, unusable: unusableOn(hops, updates), live: await readLive(hop) };
}
