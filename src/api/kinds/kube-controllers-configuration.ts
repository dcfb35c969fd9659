/** KubeControllersConfiguration: settings of the controllers that follow Kubernetes; there is one, `default`. */
import * as z from 'zod';
import { duration } from '../duration-field.ts';
import { embedded, intOrUnset, item, list, map, omitted, oneOf, orElse, struct, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, type Resource, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { newer } from '../newer.ts';
import { type Report, reporter } from '../report.ts';
import { selector } from '../selector-field.ts';

const LEVELS = ['None', 'Debug', 'Info', 'Warning', 'Error', 'Fatal', 'Panic'] as const;
const METRICS_PORT = 9094;
const LEAK_GRACE_PERIOD = '15m0s';
const MAX_PORT = 65535;

const onOff = () => oneOf(['Enabled', 'Disabled']);
const controller = () => struct({ reconcilerPeriod: duration() });

const template = () =>
  z.strictObject({
    generateName: text(formats.longName),
    interfaceCIDRs: list(item(formats.cidr)),
    interfacePattern: text(formats.regexp),
    labels: map(formats.labels),
    annotations: map(formats.annotations),
    nodeSelector: selector(),
  });

const node = () =>
  struct({
    reconcilerPeriod: duration(),
    syncLabels: onOff(),
    hostEndpoint: struct({
      autoCreate: onOff(),
      ...newer({ createDefaultHostEndpoint: onOff(), templates: list(template()) }),
    }),
    ...newer({ leakGracePeriod: duration() }),
  });

const controllers = () =>
  embedded(
    z.strictObject({
      node: node(),
      policy: controller(),
      workloadEndpoint: controller(),
      serviceAccount: controller(),
      namespace: controller(),
      ...newer({
        loadBalancer: struct({ assignIPs: orElse(oneOf(['AllServices', 'RequestedServicesOnly']), 'AllServices') }),
        migration: struct({ policyNameMigrator: orElse(onOff(), 'Enabled') }),
      }),
    }),
  );

const settings = () => ({
  logSeverityScreen: oneOf(LEVELS),
  healthChecks: onOff(),
  etcdV3CompactionPeriod: duration(),
  ...newer({ prometheusMetricsPort: omitted(z.int().min(0).max(MAX_PORT)) }),
  controllers: controllers(),
  ...newer({ debugProfilePort: intOrUnset({ min: 0, max: MAX_PORT }) }),
});

const schema = () =>
  resourceSchema('KubeControllersConfiguration', clusterMetadata(formats.onlyDefault), {
    spec: part(settings()),
    status: part({ runningConfig: embedded(z.strictObject(settings())), environmentVars: map() }),
  }).superRefine(({ spec }, context) =>
    checkTemplates(spec.controllers.node?.hostEndpoint?.templates, reporter(context)),
  );

interface Template {
  interfaceCIDRs?: unknown;
  interfacePattern?: unknown;
}

function checkTemplates(templates: readonly Template[] = [], report: Report): void {
  for (const [index, { interfaceCIDRs, interfacePattern }] of templates.entries())
    if (!interfaceCIDRs && !interfacePattern)
      report(
        ['spec', 'controllers', 'node', 'hostEndpoint', 'templates', index],
        'must have interfaceCIDRs or interfacePattern',
      );
}

function convert(configuration: Resource): void {
  const spec = (configuration.spec ?? {}) as { controllers?: { node?: { leakGracePeriod?: string } } };
  configuration.spec = { healthChecks: 'Enabled', prometheusMetricsPort: METRICS_PORT, ...spec };
  if (spec.controllers?.node) spec.controllers.node.leakGracePeriod ??= LEAK_GRACE_PERIOD;
  const { runningConfig, ...status } = configuration.status ?? {};
  const says = JSON.stringify(runningConfig) !== '{"controllers":{}}';
  configuration.status = says ? { runningConfig, ...status } : status;
}

export const kubeControllersConfiguration = defineKind('KubeControllersConfiguration', schema, { convert });
