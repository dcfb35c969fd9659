/** `calicoctl explain`: the path of a packet, and the rule that decides about it. */
import { Command } from 'commander';
import { resolveConfig, rulesConfig } from '../../config/index.ts';
import { loadSnapshot } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import {
  familyOf,
  hasPorts,
  ICMP,
  ICMPV6,
  parseIp,
  parsePortRange,
  parseProtocol,
  protocolName,
} from '../../net/index.ts';
import type { Step } from '../../rules/index.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { describeDecider, verdictOf } from './describe.ts';
import { type Flow, type Hop, travel } from './journey.ts';
import { addressIn, findPlace, type Place } from './place.ts';
import type { ConfigOf } from './simulated-host.ts';

interface Options {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port?: string;
  readonly sourcePort: string;
  readonly output: string;
  readonly all?: boolean;
  readonly config?: string;
}

/** A host's configuration as the datastore has it; what its environment and felix.cfg add is not known here. */
export const storedConfig: ConfigOf = (node, parameters) =>
  rulesConfig(resolveConfig({ environment: {}, file: '', ...parameters }, node).config);

export function explainCommand(io: Io): Command {
  return new Command('explain')
    .description('Which rule decides about a packet: runs it through the policy of the hosts on its way, in memory')
    .requiredOption('--from <place>', 'workload, node or address that sends')
    .requiredOption('--to <place>', 'workload, node or address that receives')
    .option('--protocol <protocol>', 'tcp, udp, sctp, icmp, … or a number', 'tcp')
    .option('--port <port>', 'destination port')
    .option('--source-port <port>', 'source port', '40000')
    .option('--all', 'every rule that the packet meets')
    .option('-o, --output <format>', 'text or json', 'text')
    .option('-c, --config <file>', 'settings of the datastore (default: /etc/calico/calicoctl.cfg)')
    .action((options: Options) => explain(io, options));
}

async function explain(io: Io, options: Options): Promise<void> {
  if (options.output !== 'text' && options.output !== 'json')
    throw new CalicoError('E_USAGE', `--output ${options.output}`, 'no such format', { hint: 'text or json' });
  const updates = await withClient(io, options.config, loadSnapshot);
  const from = findPlace(options.from, updates);
  const to = findPlace(options.to, updates);
  const flow = parseFlow(options, from, to);
  const hops = travel(flow, from, to, updates, storedConfig);
  io.out(`${options.output === 'json' ? json(flow, hops) : text(flow, from, to, hops, options.all ?? false)}\n`);
}

function parseFlow({ protocol: name, port, sourcePort }: Options, from: Place, to: Place): Flow {
  const literal = [to, from].find((place) => parseIp(place.text));
  const shared = to.addresses.find((a) => from.addresses.some((b) => familyOf(a) === familyOf(b)));
  const family = familyOf(literal?.addresses[0] ?? shared ?? to.addresses[0] ?? '');
  const protocol = name.toLowerCase() === 'icmp' && family === 6 ? ICMPV6 : parseProtocol(name);
  if (protocol === null) throw new CalicoError('E_USAGE', `--protocol ${name}`, 'no IP protocol');
  const ends = { source: addressIn(from, family), destination: addressIn(to, family), protocol };
  if (protocol === ICMP) return { ...ends, icmpType: 8, icmpCode: 0 };
  if (protocol === ICMPV6) return { ...ends, icmpType: 128, icmpCode: 0 };
  if (!hasPorts(protocol)) return ends;
  if (port === undefined)
    throw new CalicoError('E_USAGE', '--port', `${protocolName(protocol)} needs a port`, {
      hint: 'for example --port 80',
    });
  return { ...ends, destinationPort: parsePort('--port', port), sourcePort: parsePort('--source-port', sourcePort) };
}

function parsePort(option: string, value: string): number {
  const range = parsePortRange(value);
  if (!range || range.min !== range.max)
    throw new CalicoError('E_USAGE', `${option} ${value}`, 'not a port number (0–65535)');
  return range.min;
}

function text(flow: Flow, from: Place, to: Place, hops: readonly Hop[], all: boolean): string {
  const port = flow.destinationPort === undefined ? '' : ` port ${flow.destinationPort}`;
  const lines = [
    `${protocolName(flow.protocol)}${port} from ${from.text} (${flow.source}) to ${to.text} (${flow.destination})`,
  ];
  for (const hop of hops) {
    const role = hop.host.node === from.node ? (hop.host.node === to.node ? 'both ends' : 'source') : 'destination';
    lines.push('', `on ${hop.host.node} (${role}): ${verdictOf(hop).toUpperCase()}`);
    const steps = all ? hop.trace.steps : speaking(hop);
    for (const step of steps) lines.push(`  ${step.table} ${step.chain}: ${describeDecider(step, hop)}`);
    if (steps.length === 0) lines.push('  nothing denies it');
  }
  const last = hops.at(-1);
  lines.push(
    '',
    last
      ? `${verdictOf(last).toUpperCase()} on ${last.host.node} by ${describeDecider(last.trace.decider, last)}`
      : 'No host of this cluster carries it',
  );
  return lines.join('\n');
}

/** The rules that have something to say, without the plumbing between them. */
function speaking({ trace }: Hop): Step[] {
  return trace.steps.filter(
    (step) =>
      step === trace.decider ||
      (step.rule.origin.type !== 'plumbing' &&
        !(step.rule.origin.type === 'default' && step.rule.origin.what === 'policy-accepted')),
  );
}

function json(flow: Flow, hops: readonly Hop[]): string {
  const ruleOf = (step: Step | null, hop: Hop) =>
    step && { table: step.table, chain: step.chain, ...step.rule.origin, text: describeDecider(step, hop) };
  const last = hops.at(-1);
  return JSON.stringify(
    {
      flow,
      verdict: last ? verdictOf(last) : 'no route',
      hops: hops.map((hop) => ({
        host: hop.host.node,
        verdict: verdictOf(hop),
        decider: ruleOf(hop.trace.decider, hop),
        rules: speaking(hop).map((step) => ruleOf(step, hop)),
      })),
    },
    null,
    2,
  );
}
