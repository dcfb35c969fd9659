/** A rule of a policy in words: `deny tcp from app == 'web' to ports 22, 8000-8010`. */
import type { IcmpMatch, Rule, RuleEntity } from '../../model/index.ts';
import { formatPortRange, protocolName } from '../../net/index.ts';

export function describeRule(rule: Rule): string {
  const { action, ipVersion, protocol, notProtocol, icmp, notIcmp, source, destination, http } = rule;
  const from = describeEntity(source);
  const to = describeEntity(destination);
  const words = [
    action,
    ipVersion && `IPv${ipVersion}`,
    protocol !== undefined && protocolName(protocol).toLowerCase(),
    notProtocol !== undefined && `not ${protocolName(notProtocol).toLowerCase()}`,
    icmp && describeIcmp(icmp),
    notIcmp && `not ${describeIcmp(notIcmp)}`,
    from && `from ${from}`,
    to && `to ${to}`,
    http && 'for some HTTP requests',
  ];
  return words.filter(Boolean).join(' ');
}

function describeIcmp({ type, code }: IcmpMatch): string {
  return `type ${type}${code === undefined ? '' : ` code ${code}`}`;
}

/** Empty: anybody. */
function describeEntity(entity: RuleEntity): string {
  const { nets, notNets, selector, notSelector, ports, notPorts } = entity;
  const list = (word: string, items: readonly string[]) => items.length > 0 && `${word} ${items.join(', ')}`;
  const words = [
    selector,
    notSelector && `not (${notSelector})`,
    list('nets', nets),
    list('not nets', notNets),
    list('ports', ports.map(portText)),
    list('not ports', notPorts.map(portText)),
  ];
  return words.filter(Boolean).join(' and ');
}

function portText(port: RuleEntity['ports'][number]): string {
  return 'name' in port ? port.name : formatPortRange(port);
}
