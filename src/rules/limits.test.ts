import { expect, test } from 'vitest';
import type { LocalWorkload } from '../calc/index.ts';
import type { QosControls } from '../model/index.ts';
import { ip, TCP } from '../net/index.ts';
import {
  type Chain,
  DEFAULT_RULES_CONFIG as CONFIG,
  evaluate,
  lower,
  type Ruleset,
  renderRule,
  workloadChains,
} from './index.ts';

const OPTIONS = { family: 4, marks: CONFIG.marks, randomFully: true } as const;
const PLAIN = chains();

function chains(qos?: QosControls): Chain[] {
  const endpoint = {
    id: { kind: 'WorkloadEndpoint', namespace: 'prod', name: 'w' },
    interfaceName: 'cali1',
    profiles: [],
    ...(qos && { qos }),
  };
  return workloadChains({ endpoint, tiers: [] } as unknown as LocalWorkload, () => '', CONFIG);
}

/** Those that a chain has beyond what it has without limits. */
function added(chain: Chain | undefined): string[] {
  const text = (from: Chain | undefined) =>
    from ? lower(from).flatMap(({ rules }) => rules.map((rule) => renderRule(rule, OPTIONS))) : [];
  const plain = text(PLAIN.find(({ name }) => name === chain?.name));
  return text(chain).filter((line) => !plain.includes(line));
}

const LIMITS: QosControls = {
  ingress: { packetRate: { perSecond: 100, burst: 5 } },
  egress: { maxConnections: 7, packetRate: { perSecond: 2000, burst: 300 } },
};

test('what each direction gets', () => {
  const [to, from] = chains(LIMITS);
  expect(added(to)).toEqual([
    '-m comment --comment "Clear ingress packet rate limit mark" --jump MARK --set-mark 0/0x40000',
    '-m comment --comment "Mark packets within ingress packet rate limit" -m limit --limit 100/sec --limit-burst 5 --jump MARK --set-mark 0x40000/0x40000',
    '-m comment --comment "Drop packets over ingress packet rate limit" -m mark --mark 0/0x40000 --jump DROP',
    '-m comment --comment "Clear ingress packet rate limit mark" --jump MARK --set-mark 0/0x40000',
  ]);
  expect(added(from)).toContain(
    '-m comment --comment "Reject connections over egress connection limit" -p tcp -m connlimit --connlimit-above 7 --connlimit-mask 0 --jump REJECT --reject-with tcp-reset',
  );
  expect(added(from)).toContain(
    '-m comment --comment "Mark packets within egress packet rate limit" -m limit --limit 2000/sec --limit-burst 300 --jump MARK --set-mark 0x40000/0x40000',
  );
});

test('every packet counts, and of a connection the first', () => {
  const rules = chains(LIMITS)[1]?.rules ?? [];
  const place = (of: string) => rules.findIndex(({ origin }) => origin.type === 'limit' && origin.of === of);
  const established = rules.findIndex(({ origin }) => origin.type === 'conntrack');
  expect(place('packet-rate')).toBe(0);
  expect(place('connections')).toBeGreaterThan(established);
  // Before anything that could allow it.
  const allow = rules.findIndex(({ action }) => action.type === 'jump' || action.type === 'mark');
  expect(place('connections')).toBeLessThan(allow);
});

test('lowering is done once', () => {
  const once = lower(chains(LIMITS)[1] as Chain);
  expect(once.flatMap((chain) => lower(chain))).toEqual(once);
});

test('the evaluator takes limits as not reached, and names them', () => {
  const packet = {
    family: 4,
    protocol: TCP,
    source: ip('10.0.0.1'),
    destination: ip('10.0.0.2'),
    sourcePort: 1,
    destinationPort: 2,
    conntrack: 'NEW',
    marks: new Set<never>(),
  } as const;
  const world = { inSet: () => false, isLocal: () => false, route: () => 'eth0' };
  const [, from] = chains(LIMITS) as [Chain, Chain];
  const trace = (chain: Chain) => evaluate(hostWith(chain), { ...packet, inInterface: 'cali1' }, world);
  const neutral = trace(from);
  expect(neutral.limits.map(({ rule }) => rule.origin)).toEqual(
    ['packet-rate', 'connections'].map((of) => ({
      type: 'limit',
      of,
      direction: 'egress',
      endpoint: { kind: 'WorkloadEndpoint', namespace: 'prod', name: 'w' },
    })),
  );
  const lowered = trace(lower(from)[0] as Chain);
  const plain = trace(PLAIN[1] as Chain);
  for (const { verdict, decider } of [neutral, lowered]) {
    expect(verdict).toBe(plain.verdict);
    expect(decider?.rule.origin).toEqual(plain.decider?.rule.origin);
  }
});

function hostWith(chain: Chain): Ruleset {
  const none = { chains: new Map(), hooks: {} };
  const entry = [{ match: {}, action: { type: 'jump', chain: chain.name }, origin: { type: 'plumbing' } }] as const;
  const filter = { chains: new Map([[chain.name, chain]]), hooks: { FORWARD: { entry } } };
  return { raw: none, mangle: none, nat: none, filter };
}
