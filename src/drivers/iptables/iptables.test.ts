// How iptables is driven: what of it others have to wait for.
import { expect, test } from 'vitest';
import type { exec } from '../../kernel/index.ts';
import { Iptables } from './iptables.ts';

test('many chains that are there already are compared while others have their turns, and not written', async () => {
  const chains = Array.from({ length: 100 }, (_, i) => `cali-pi-${i}`);
  const rule = { text: '-m comment --comment "cali:AAAAAAAAAAAAAAAA" -j DROP', hash: 'AAAAAAAAAAAAAAAA' };
  const saved = [
    '*filter',
    ...chains.map((name) => `:${name} - [0:0]`),
    ...chains.map((name) => `-A ${name} ${rule.text}`),
  ];
  const restores: string[] = [];
  const run: typeof exec = async (program, _, { stdin, onOutput } = {}) => {
    if (program.endsWith('save')) onOutput?.(`${[...saved, 'COMMIT'].join('\n')}\n`);
    else restores.push([...(stdin ?? '')].join(''));
    return { status: 0, stdout: '', stderr: '' };
  };
  let time = 0;
  const iptables = new Iptables({ family: 4, backend: 'nft', insertMode: 'insert', run, clock: () => time });
  const rules = () => {
    time += 5;
    return [rule];
  };
  for (const name of chains) iptables.tables.filter.setChain(name, { rules, standIn: () => undefined });
  await iptables.load();
  let turns = 0;
  let next = setImmediate(function count() {
    turns++;
    next = setImmediate(count);
  });
  await iptables.apply();
  clearImmediate(next);
  expect(restores).toEqual([]);
  expect(turns).toBeGreaterThan(10);
});
