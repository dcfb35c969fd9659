/** Which policies and profiles the endpoints on a packet's way were asked, and what each of them said. */
import { type Direction, idKey, type ResourceId } from '../../model/index.ts';
import {
  ANY_INTERFACE,
  type EndpointChain,
  endpointChainName,
  type Hook,
  policyChainName,
  profileChainName,
  resolveHostEndpoints,
  type Step,
  type TableName,
} from '../../rules/index.ts';
import type { Hop } from './journey.ts';
import type { SimulatedHost } from './simulated-host.ts';

export interface Answer {
  readonly id: ResourceId;
  /** Absent for a profile. */
  readonly tier?: string;
  readonly said: 'allow' | 'deny' | 'pass' | 'no match' | 'not reached';
  /** The rule that said it, from 0. */
  readonly rule?: number;
}

/** What one endpoint did with the packet, in one table. */
export interface Interview {
  readonly endpoint: ResourceId;
  readonly direction: Direction;
  readonly table: TableName;
  readonly hook: Hook;
  readonly chain: string;
  /** In the order in which they are asked. */
  readonly answers: readonly Answer[];
}

interface EndpointOf {
  readonly endpoint: ResourceId;
  readonly direction: Direction;
}

type Asked = Omit<Answer, 'said' | 'rule'>;

/** In the order in which the packet meets them. Endpoints without any policy or profile are among them. */
export function interviews({ host, packet, trace }: Hop): Interview[] {
  const ruleset = host.ruleset(packet.family);
  const endpoints = endpointChains(host);
  const policies = policyChains(host);
  const found = new Map<string, Interview>();
  for (const { table, hook, chain } of trace.steps) {
    const endpoint = endpoints.get(chain);
    const key = `${table} ${hook} ${chain}`;
    if (!endpoint || found.has(key)) continue;
    const visit = (index: number) =>
      trace.steps.findIndex((s) => s.table === table && s.hook === hook && s.chain === chain && s.ruleIndex === index);
    const answers = (ruleset[table].chains.get(chain)?.rules ?? []).flatMap(({ action }, index) => {
      const asked = action.type === 'jump' ? policies.get(action.chain) : undefined;
      return asked ? [{ ...asked, ...answer(trace.steps, visit(index)) }] : [];
    });
    found.set(key, { ...endpoint, table, hook, chain, answers });
  }
  return [...found.values()];
}

/** `at`: the step that leads to the policy's chain; -1: the packet did not come so far. */
function answer(steps: readonly Step[], at: number): Pick<Answer, 'said' | 'rule'> {
  const jump = steps[at];
  if (jump?.rule.action.type !== 'jump') return { said: 'not reached' };
  const { chain } = jump.rule.action;
  for (let i = at + 1; steps[i]?.chain === chain; i++) {
    const { action, origin } = (steps[i] as Step).rule;
    if (origin.type !== 'policy') continue;
    if (action.type === 'policy') return { said: action.verdict, rule: origin.rule };
    if (action.type === 'drop' || action.type === 'reject') return { said: 'deny', rule: origin.rule };
  }
  return { said: 'no match' };
}

function endpointChains({ state, interfaces }: SimulatedHost): Map<string, EndpointOf> {
  const found = new Map<string, EndpointOf>();
  const add = (kind: EndpointChain, subject: string, endpoint: ResourceId, direction: Direction) =>
    found.set(endpointChainName(kind, subject), { endpoint, direction });
  for (const { endpoint } of state.workloads.values()) {
    add('fromWorkload', endpoint.interfaceName, endpoint.id, 'egress');
    add('toWorkload', endpoint.interfaceName, endpoint.id, 'ingress');
  }
  for (const [name, { endpoint }] of resolveHostEndpoints(state.hostEndpoints.values(), interfaces)) {
    const subject = name === '*' ? ANY_INTERFACE : name;
    for (const kind of ['toHost', 'toHostForward'] as const) add(kind, subject, endpoint.id, 'egress');
    for (const kind of ['fromHost', 'fromHostForward'] as const) add(kind, subject, endpoint.id, 'ingress');
  }
  return found;
}

function policyChains({ state }: SimulatedHost): Map<string, Asked> {
  const found = new Map<string, Asked>();
  for (const direction of ['ingress', 'egress'] as const) {
    for (const policy of state.policies.values())
      found.set(policyChainName(direction, policy), { id: policy.id, tier: policy.tier });
    for (const { name } of state.profiles.values())
      found.set(profileChainName(direction, name), { id: { kind: 'Profile', name } });
  }
  return found;
}

/** The policies that were asked by the endpoint that the packet came to last. */
export function askedLast(hop: Hop): ResourceId[] {
  const last = interviews(hop).at(-1);
  const asked = last?.answers.filter(({ said, tier }) => said !== 'not reached' && tier !== undefined) ?? [];
  return [...new Map(asked.map(({ id }) => [idKey(id), id])).values()];
}
