/** What is said about a packet: for people, and as JSON. */
import { idText } from '../../model/index.ts';
import { protocolName } from '../../net/index.ts';
import type { Step } from '../../rules/index.ts';
import { type Answer, interviews } from './asked.ts';
import { describeDecider, describeLimit, describeTranslation, verdictOf } from './describe.ts';
import type { Flow } from './flow.ts';
import { type Hop, speaking } from './journey.ts';
import type { Live } from './live.ts';
import type { Place } from './place.ts';
import { type Unusable, unusableText } from './unusable.ts';

export interface Report {
  readonly flow: Flow;
  readonly from: Place;
  readonly to: Place;
  readonly hops: readonly Hop[];
  readonly unusable: readonly Unusable[];
  /** Of the host that we are on. */
  readonly live?: Live;
}

export interface Detail {
  /** Every policy that selects an endpoint on the way. */
  readonly all: boolean;
  /** Every rule that the packet meets. */
  readonly trace: boolean;
}

export function reportText(report: Report, detail: Detail): string {
  const { flow, from, to, hops, unusable } = report;
  const port = flow.destinationPort === undefined ? '' : ` port ${flow.destinationPort}`;
  const icmp = flow.icmpType === undefined ? '' : ` type ${flow.icmpType} code ${flow.icmpCode}`;
  return [
    `${protocolName(flow.protocol)}${port}${icmp} from ${from.text} (${flow.source}) to ${to.text} (${flow.destination})`,
    ...hops.flatMap((hop) => ['', ...hopLines(hop, report, detail)]),
    '',
    ...unusable.map(unusableText),
    conclusion(report),
  ].join('\n');
}

function conclusion({ flow, hops }: Report): string {
  const last = hops.at(-1);
  if (last) {
    const { decider } = last.trace;
    return `${verdictOf(last).toUpperCase()} on ${last.host.node}${decider ? ' by' : ':'} ${describeDecider(decider, last)}`;
  }
  return flow.source === flow.destination
    ? 'It never leaves the workload: no policy has a say'
    : 'No host of this cluster carries it';
}

function hopLines(hop: Hop, { from, to, live }: Report, { all, trace }: Detail): string[] {
  const { node } = hop.host;
  const role = node === from.node ? (node === to.node ? 'both ends' : 'source') : 'destination';
  const steps = trace ? hop.trace.steps : speaking(hop);
  return [
    `on ${node} (${role}): ${verdictOf(hop).toUpperCase()}`,
    ...steps.map((step) => `  ${step.table} ${step.chain}: ${describeDecider(step, hop)}`),
    ...(steps.length === 0 ? ['  nothing denies it'] : []),
    ...hop.trace.limits.map((step) => `  ${step.table} ${step.chain}: if it is within ${describeLimit(step)}`),
    ...hop.trace.translations.map((translation) => `  ${describeTranslation(translation, hop)}`),
    ...(all ? interviewLines(hop) : []),
    ...(live?.node === node ? liveLines(live) : []),
  ];
}

function interviewLines(hop: Hop): string[] {
  return interviews(hop).flatMap(({ endpoint, direction, table, answers }) => [
    `  ${idText(endpoint)}, ${direction} (${table})`,
    ...answers.map(
      (answer) => `    ${answer.tier ? `tier ${answer.tier}: ` : ''}${idText(answer.id)}: ${saidText(answer)}`,
    ),
    ...(answers.length === 0 ? ['    no policy and no profile'] : []),
  ]);
}

function saidText({ said, rule }: Answer): string {
  return rule === undefined ? said : `rule ${rule} (${said})`;
}

function liveLines({ rules, foreign }: Live): string[] {
  return [
    ...(rules.length === 0 ? [] : ['  counters of the kernel:']),
    ...rules.map(({ table, chain, text, packets, bytes }) => {
      const count = packets === null ? 'not in the kernel' : `${packets} packets, ${bytes} bytes`;
      return `    ${table} ${chain}: ${text}: ${count}`;
    }),
    ...(foreign.length === 0 ? [] : ['  rules of others on the way, which are not part of this answer:']),
    ...foreign.map((line) => `    ${line}`),
  ];
}

export function reportJson({ flow, hops, unusable, live }: Report): object {
  const ruleOf = (step: Step | null, hop: Hop) =>
    step && { table: step.table, chain: step.chain, ...step.rule.origin, text: describeDecider(step, hop) };
  const last = hops.at(-1);
  return {
    flow,
    verdict: last ? verdictOf(last) : 'no route',
    ...(unusable.length > 0 && { unusable }),
    hops: hops.map((hop) => ({
      host: hop.host.node,
      verdict: verdictOf(hop),
      decider: ruleOf(hop.trace.decider, hop),
      rules: speaking(hop).map((step) => ruleOf(step, hop)),
      limits: hop.trace.limits.map(({ table, chain, rule: { origin, match } }) => ({
        table,
        chain,
        ...origin,
        ...match,
      })),
      translations: hop.trace.translations,
      policies: interviews(hop),
      ...(live?.node === hop.host.node && { live: { rules: live.rules, foreign: live.foreign } }),
    })),
  };
}
