/**
 * Differentiated services: what a workload sends out of the cluster gets the code point of its QoS controls. It is marked
 * where it leaves, before source NAT: the table has rules for it only while an endpoint has a code point.
 */
import type { IPPool, WorkloadEndpoint } from '../model/index.ts';
import { type Cidr, type Family, familyOf } from '../net/index.ts';
import { jump, PLUMBING, RETURN, rule } from './build.ts';
import type { Chain, Rule } from './chain.ts';

const POSTROUTING = 'cali-POSTROUTING';

type Marked = Pick<WorkloadEndpoint, 'nets' | 'qos'>;

/** First the chain that the kernel's POSTROUTING leads to, then one for each code point; none when nobody has one. */
export function dscpChains(endpoints: Iterable<Marked>, pools: Iterable<IPPool>, family: Family): Chain[] {
  const marked = [...endpoints].flatMap(({ nets, qos }) => {
    const dscp = qos?.dscp;
    return dscp === undefined ? [] : nets.filter((net) => familyOf(net) === family).map((net) => ({ net, dscp }));
  });
  if (marked.length === 0) return [];
  const cluster = [...pools].map(({ cidr }) => cidr).filter((cidr) => familyOf(cidr) === family);
  const codePoints = [...new Set(marked.map(({ dscp }) => dscp))].toSorted((a, b) => a - b);
  return [
    { name: POSTROUTING, rules: [...cluster.toSorted().map(stays), ...marked.toSorted(byNet).map(leaves)] },
    ...codePoints.map((dscp) => ({ name: chainOf(dscp), rules: [mark(dscp)] })),
  ];
}

/** What leads to them. */
export function dscpHook(chains: readonly Chain[]): Rule[] {
  return chains.length === 0 ? [] : [rule({}, jump(POSTROUTING))];
}

const chainOf = (dscp: number): string => `cali-dscp-${dscp}`;

function stays(pool: Cidr): Rule {
  return rule({ destination: { nets: [pool] } }, RETURN, PLUMBING, 'Stays in the cluster');
}

function leaves({ net, dscp }: { net: Cidr; dscp: number }): Rule {
  return rule({ source: { nets: [net] } }, jump(chainOf(dscp)));
}

function mark(dscp: number): Rule {
  return rule({}, { type: 'dscp', value: dscp }, { type: 'default', what: 'dscp' }, 'DSCP of what leaves the cluster');
}

const byNet = (a: { net: Cidr }, b: { net: Cidr }): number => (a.net < b.net ? -1 : 1);
