import { expect, test } from 'vitest';
import { EventLoop } from './event-loop.ts';

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

test('a turn that is long is seen; after a new start it is forgotten', async () => {
  const loop = new EventLoop();
  await turn();
  loop.startOver();
  for (let i = 0; i < 5; i++) await turn();
  const before = loop.turnsWithin(0.05);
  const end = performance.now() + 80;
  while (performance.now() < end);
  await turn();
  await turn();
  expect(loop.longest).toBeGreaterThan(0.07);
  expect(loop.total).toBeGreaterThan(0.07);
  expect(loop.turnsWithin(60)).toBe(loop.turns);
  expect(loop.turnsWithin(0.05)).toBeLessThan(loop.turns);
  expect(loop.turnsWithin(0.05)).toBeGreaterThanOrEqual(before);
  loop.startOver();
  expect(loop).toMatchObject({ turns: 0, longest: 0, total: 0 });
  expect(loop.turnsWithin(1)).toBe(0);
});
