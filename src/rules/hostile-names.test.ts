/** Whatever a name, a tier or a log prefix holds, it stays a word of the rule that it is in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DROP, goTo, rule } from './build.ts';
import type { Rule } from './chain.ts';
import { type EndpointChainSpec, endpointChain } from './endpoint.ts';
import { DEFAULT_RULES_CONFIG } from './index.ts';
import { endpointChainName, policyChainName, profileChainName } from './names.ts';
import { renderChain } from './render.ts';

const OPTIONS = { family: 4, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true } as const;
const HOSTILE = [
  'a b',
  'a"b',
  "a'b",
  'a\\b',
  'a\nCOMMIT',
  'a\n-F',
  'a\tb',
  'naïve x',
  '日本!',
  '#a',
  '$(x)',
  'a\0b',
  '',
  '\u2028',
];
const anything = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(...'ab \n\r\t"\'\\#-!;`$日'), maxLength: 300 }),
);

/** The words of a line, as iptables-restore tells them apart: quotes keep together, a backslash within them escapes. */
function wordsOf(line: string): string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
  expect(words.join(' ')).toBe(line);
  return words;
}

function lines(name: string, ...rules: Rule[]): string[] {
  const chain = renderChain({ name, rules }, OPTIONS);
  return [`:${chain.name} - [0:0]`, ...chain.rules.map(({ text }) => `-A ${chain.name} ${text}`)];
}

describe('names of chains', () => {
  test('are of plain characters, and fit', () => {
    fc.assert(
      fc.property(anything, anything, (a, b) => {
        const id = { kind: 'NetworkPolicy', namespace: a, name: b } as const;
        const names = [
          policyChainName('ingress', { id, storedName: b }),
          policyChainName('egress', { id: { kind: 'GlobalNetworkPolicy', name: b }, storedName: b }),
          profileChainName('ingress', a),
          endpointChainName('fromWorkload', a),
        ];
        for (const name of names) {
          expect(name).toMatch(/^cali-[\p{L}\p{N}_./:*@+-]+$/u);
          expect(Buffer.byteLength(name)).toBeLessThanOrEqual(28);
        }
      }),
    );
  });

  test('of different policies differ', () => {
    const names = HOSTILE.map((name) => profileChainName('ingress', name));
    for (const name of names) expect(name).toMatch(/^cali-pri-(_.{18}|)$/);
    expect(new Set(names).size).toBe(HOSTILE.length);
  });
});

test('a rule is one line of known words, whatever the log prefix and the tier', () => {
  fc.assert(
    fc.property(anything, anything, (prefix, tier) => {
      const spec: EndpointChainSpec = {
        name: 'cali-tw-cali1',
        endpoint: { kind: 'HostEndpoint', name: 'h' },
        direction: 'ingress',
        tiers: [{ tier, ingress: [{ kind: 'GlobalNetworkPolicy', name: 'p' }], egress: [] }],
        profiles: [prefix],
        kind: 'normal',
        allow: 'accept',
        deny: 'drop',
        dropEncapsulated: false,
      } as const;
      const { rules } = endpointChain(spec, () => prefix, DEFAULT_RULES_CONFIG);
      const log = rule({}, { type: 'log', prefix });
      const rendered = lines('cali-tw-cali1', ...rules, log, rule({}, DROP), rule({}, goTo('cali-tw-x')));
      for (const line of rendered) {
        expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        for (const quoted of wordsOf(line).filter((word) => word.startsWith('"')))
          expect(quoted.length).toBeLessThanOrEqual(2 + 255);
      }
      const word = wordsOf(rendered.find((line) => line.includes('--jump LOG')) as string);
      expect(word.at(-3)?.replaceAll(/\\(.)/g, '$1').length).toBeLessThanOrEqual(2 + 29);
      expect(word.slice(-2)).toEqual(['--log-level', '5']);
    }),
  );
});
