/**
 * Policy to iptables text: compiling, lowering, rendering. Prints JSON lines; `us` is CPU time in microseconds.
 *
 *     node --expose-gc bench/rules.ts [ENDPOINTS POLICIES]
 */
import { CalcGraph, DataplaneState } from '../src/calc/index.ts';
import { policy, profile, put, rule, workload } from '../src/calc/testing/resources.ts';
import { ip, TCP } from '../src/net/index.ts';
import {
  compileHost,
  DEFAULT_RULES_CONFIG,
  evaluate,
  lower,
  lowerRuleset,
  type Packet,
  policyChains,
  type RenderOptions,
  type Ruleset,
  renderChain,
  type World,
  workloadDispatchChains,
} from '../src/rules/index.ts';

const [endpoints = 100, policies = 1000] = process.argv.slice(2).map(Number);
const CONFIG = DEFAULT_RULES_CONFIG;
const OPTIONS: RenderOptions = { family: 4, marks: CONFIG.marks, randomFully: true };

/** The mean over as many rounds as take half a second of CPU, after one that warms up. */
function report(name: string, work: () => unknown, figures: Record<string, number> = {}): void {
  work();
  let rounds = 0;
  const start = process.cpuUsage();
  let us = 0;
  while (us < 500_000) {
    work();
    rounds++;
    const { user, system } = process.cpuUsage(start);
    us = user + system;
  }
  console.log(JSON.stringify({ bench: `rules/${name}`, us: Math.round((100 * us) / rounds) / 100, ...figures }));
}

function policyOf(i: number) {
  const allow = (port: number) =>
    rule({
      protocol: TCP,
      source: { selector: `app == 'a${i % 100}'` },
      destination: { ports: [{ min: port, max: port }] },
    });
  return policy(`policy-${i}`, { order: i, ingress: [allow(80), allow(443), rule({ action: 'deny', protocol: TCP })] });
}

/** Every endpoint has 10 of the policies. */
function host(): DataplaneState {
  const graph = new CalcGraph({ node: 'h1' });
  const state = new DataplaneState();
  const groups = Math.max(1, Math.floor(policies / 10));
  graph.onUpdates([
    put(profile('open', { ingress: [rule()], egress: [rule()] })),
    ...Array.from({ length: policies }, (_, i) => put({ ...policyOf(i), selector: `group == 'g${i % groups}'` })),
    ...Array.from({ length: endpoints }, (_, i) =>
      put(
        workload(`w${i}`, {
          interfaceName: interfaceOf(i),
          ips: [addressOf(i)],
          profiles: ['open'],
          labels: { app: `a${i % 100}`, group: `g${i % groups}` },
        }),
      ),
    ),
  ]);
  graph.onStatus('in-sync');
  graph.flush((update) => state.apply(update));
  return state;
}

function interfaceOf(i: number): string {
  return `cali${((i * 2654435761) % 2 ** 32).toString(16).padStart(11, '0')}`;
}

function addressOf(i: number): string {
  return `10.65.${(i >> 8) & 255}.${i & 255}`;
}

const render = ({ raw, mangle, nat, filter }: Ruleset) =>
  [raw, mangle, nat, filter].flatMap(({ chains }) => [...chains.values()].map((chain) => renderChain(chain, OPTIONS)));

const state = host();
const compile = () => compileHost({ ...state, interfaces: new Map() }, CONFIG, 4);
const compiled = compile();
const lowered = lowerRuleset(compiled);
const size = { endpoints, policies, rules: render(lowered).reduce((sum, { rules }) => sum + rules.length, 0) };

report('compile-host', compile, size);
report('lower-host', () => lowerRuleset(compiled), size);
report('render-host', () => render(lowered), size);

const [one] = state.policies.values();
if (one) {
  report('one-policy-to-text', () =>
    policyChains(one, 4, CONFIG).flatMap((chain) => lower(chain).map((c) => renderChain(c, OPTIONS))),
  );
}
const names = Array.from({ length: 10_000 }, (_, i) => interfaceOf(i));
report(
  'dispatch-to-text',
  () => workloadDispatchChains(names, CONFIG).flatMap((c) => lower(c).map((l) => renderChain(l, OPTIONS))),
  {
    endpoints: names.length,
  },
);

const routes = new Map(Array.from({ length: endpoints }, (_, i) => [addressOf(i), interfaceOf(i)]));
const world: World = {
  inSet: () => false,
  isLocal: () => false,
  route: (destination) => routes.get(destination) ?? 'eth0',
};
const packet: Packet = {
  family: 4,
  protocol: TCP,
  source: ip('192.0.2.1'),
  destination: ip(addressOf(endpoints - 1)),
  sourcePort: 40000,
  destinationPort: 81,
  inInterface: 'eth0',
  conntrack: 'NEW',
  marks: new Set(),
};
report('evaluate-compiled', () => evaluate(compiled, packet, world));
report('evaluate-lowered', () => evaluate(lowered, packet, world), {
  steps: evaluate(lowered, packet, world).steps.length,
});
