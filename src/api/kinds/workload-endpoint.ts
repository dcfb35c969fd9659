/** WorkloadEndpoint: an interface of a workload on a host. */
import * as z from 'zod';
import { addressOf, parseCidr, parseIp } from '../../net/index.ts';
import { workloadPort } from '../endpoint-port.ts';
import { type Check, int, intOrUnset, item, list, struct, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { type Metadata, NAMESPACE_LABEL, namespacedMetadata } from '../metadata.ts';
import { type Report, reporter } from '../report.ts';
import { type WorkloadEndpointIds, workloadEndpointName } from '../workload-endpoint-name.ts';

const ORCHESTRATOR_LABEL = 'projectcalico.org/orchestrator';

const ipNat = () => z.strictObject({ internalIP: item(formats.ip), externalIP: item(formats.ip) });

const spec = () =>
  part({
    orchestrator: text(formats.name),
    workload: text(formats.name),
    node: text(formats.name),
    containerID: text(formats.containerId),
    pod: text(formats.name),
    endpoint: text(formats.name),
    serviceAccountName: text(formats.name),
    ipNetworks: list(item(formats.net)),
    ipNATs: list(ipNat()),
    ipv4Gateway: text(formats.ipv4),
    ipv6Gateway: text(formats.ipv6),
    profiles: list(item(formats.name)),
    interfaceName: item(formats.interfaceName),
    mac: text(formats.mac),
    ports: list(workloadPort()),
    allowSpoofedSourcePrefixes: list(item(formats.cidr)),
    qosControls: struct({
      ingressBandwidth: int(),
      egressBandwidth: int(),
      ingressBurst: int(),
      egressBurst: int(),
      ingressPeakrate: int(),
      egressPeakrate: int(),
      ingressMinburst: int(),
      egressMinburst: int(),
      ingressPacketRate: int(),
      egressPacketRate: int(),
      ingressPacketBurst: int(),
      egressPacketBurst: int(),
      ingressMaxConnections: int(),
      egressMaxConnections: int(),
      dscp: intOrUnset().or(z.string()),
    }),
  });

/** Its name is given by where it is, so it may be left out. */
const optionalName: Check = (name) => (name === '' ? null : formats.name(name));
const anyLabels: Check<Record<string, string>> = formats.labels;

const schema = () =>
  resourceSchema('WorkloadEndpoint', namespacedMetadata(optionalName, anyLabels), { spec: spec() }).transform(
    (endpoint, context) => {
      const { metadata, spec } = endpoint;
      const report = reporter(context);
      nameFromSpec(metadata, spec, report);
      checkAddresses(spec, report);
      const problem = formats.labelValue(metadata.namespace as string);
      if (problem) report(['metadata', 'namespace'], `becomes a label: ${problem}`);
      const own = { [NAMESPACE_LABEL]: metadata.namespace as string, [ORCHESTRATOR_LABEL]: spec.orchestrator ?? '' };
      metadata.labels = Object.fromEntries(Object.entries({ ...metadata.labels, ...own }).sort(byKey));
      return endpoint;
    },
  );

function nameFromSpec(metadata: Metadata, spec: WorkloadEndpointIds, report: Report): void {
  const { name, field, problem } = workloadEndpointName(spec);
  if (name === undefined) report(['spec', field], problem);
  else if (metadata.name !== '' && metadata.name !== name)
    report(['metadata', 'name'], `must be ${name}, as the spec says, or be left out`);
  else {
    metadata.name = name;
    const wrong = formats.name(name);
    if (wrong) report(['metadata', 'name'], `${name}, as the spec says, ${wrong}`);
  }
}

interface Addresses {
  ipNetworks?: string[] | undefined;
  ipNATs?: { internalIP: string; externalIP: string }[] | undefined;
}

function checkAddresses({ ipNetworks = [], ipNATs = [] }: Addresses, report: Report): void {
  const own = new Set<string>();
  for (const [index, text] of ipNetworks.entries()) {
    const prefix = parseCidr(text);
    if (!prefix) continue;
    if (!prefix.endsWith(prefix.includes(':') ? '/128' : '/32'))
      report(['spec', 'ipNetworks', index], 'must be one address, not a network');
    own.add(addressOf(prefix));
  }
  for (const [index, { internalIP, externalIP }] of ipNATs.entries()) {
    if (!own.has(parseIp(internalIP) ?? ''))
      report(['spec', 'ipNATs', index, 'internalIP'], 'must be one of the ipNetworks');
    if (internalIP.includes(':') !== externalIP.includes(':'))
      report(['spec', 'ipNATs', index, 'externalIP'], 'must be of the same IP version as internalIP');
  }
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

export const workloadEndpoint = defineKind('WorkloadEndpoint', schema);
