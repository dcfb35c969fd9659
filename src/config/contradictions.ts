import type { FelixConfig, ParameterName } from './parameters.ts';
import type { ConfigProblem } from './resolve.ts';

const TYPHA_TLS: readonly ParameterName[] = ['typhaKeyFile', 'typhaCertFile', 'typhaCAFile'];

/** What is wrong with the configuration as a whole; always fatal. */
export function contradictions(config: FelixConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const fatal = (subject: ParameterName, message: string) => problems.push({ subject, message, fatal: true });
  if (config.felixHostname === '') fatal('felixHostname', 'this host has no usable name');
  if (config.datastoreType === 'etcdv3' && config.etcdEndpoints.length === 0 && config.etcdAddr === '') {
    fatal('etcdEndpoints', 'neither etcdEndpoints nor etcdAddr is set');
  }
  const parts = [...TYPHA_TLS.map((name) => config[name] !== ''), config.typhaCN !== '' || config.typhaURISAN !== ''];
  if (parts.includes(true) && parts.includes(false)) {
    fatal('typhaKeyFile', `TLS to Typha needs all of ${TYPHA_TLS.join(', ')}, and typhaCN or typhaURISAN`);
  }
  return problems;
}
