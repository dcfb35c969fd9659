/** Whatever a datastore holds: commands say what is wrong with it, and none fails by a mistake of its own. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cluster } from './testing.ts';

const COMMANDS = [
  ['ipam', 'show', '--show-blocks'],
  ['ipam', 'show', '--show-borrowed'],
  ['ipam', 'show', '--show-configuration'],
  ['ipam', 'show', '--ip=10.0.0.1'],
  ['ipam', 'check', '--show-all-ips'],
  ['ipam', 'check', '--fix', '--plan'],
  ['ipam', 'check', '--fix', '--wait=0'],
  ['ipam', 'release', '--ip=10.0.0.2'],
  ['ipam', 'migrate', 'p', 'p', '--plan'],
  ['ipam', 'configure', '--strictaffinity=true'],
  ['ipam', 'split', '2', '--name=p'],
  ['datastore', 'migrate', 'lock'],
  ['datastore', 'migrate', 'export'],
];

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, 0, -1, 7, 1e300, '', 'x', true, [], {}, [null], [[]], { a: {} }, '10.0.0.0/29', [99]),
  fc.jsonValue(),
);

/** The value with one of its parts replaced; `path` chooses which. */
function mutated(value: unknown, path: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return replacement;
  const keys = Object.keys(value);
  const key = keys[step % keys.length];
  if (key === undefined) return replacement;
  const part = mutated((value as Record<string, unknown>)[key], rest, replacement);
  return Array.isArray(value) ? value.with(Number(key), part) : { ...value, [key]: part };
}

test('a stored value with something odd in it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(fc.nat({ max: 20 }), { minLength: 0, maxLength: 4 }),
      odd,
      fc.constantFrom(...COMMANDS),
      async (which, path, replacement, command) => {
        const calicoctl = await cluster();
        const { items } = await calicoctl.store.list('/calico/');
        const { key, value } = items[which % items.length] as (typeof items)[number];
        await calicoctl.store.put(key, JSON.stringify(mutated(JSON.parse(value), path, replacement)));
        const { exit, out } = await calicoctl.call(command);
        expect(out).not.toContain('E_INTERNAL');
        expect(exit === 0 || /^E_[A-Z_]+ /m.test(out)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});
