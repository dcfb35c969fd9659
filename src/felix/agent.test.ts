/** Another dataplane takes the place of the one before, whatever becomes of that one. */
import { expect, test, vi } from 'vitest';
import type { DataplaneUpdate } from '../calc/index.ts';
import { Agent, type AgentParts } from './agent.ts';
import { LocalConfig } from './local.ts';

const { opened } = vi.hoisted(() => ({ opened: [] as { told: string[] }[] }));
vi.mock('./enforcement.ts', () => ({
  Enforcement: {
    open: async () => {
      const one = {
        told: [] as string[],
        dataplane: { onUpdate: ({ type }: { type: string }) => void one.told.push(type) },
        close: async () => {
          throw new Error('a socket is gone');
        },
      };
      opened.push(one);
      return one;
    },
  },
}));

test('one that cannot be closed is in nobody’s way', async () => {
  const errors: string[] = [];
  let retold = 0;
  const log = { info: () => {}, warn: () => {}, error: (_: object, text: string) => void errors.push(text) };
  const observed = { reports: { configure: () => {}, startOver: () => {} }, refused: [] as string[] };
  const agent = new Agent({
    local: new LocalConfig({ FELIX_HEALTHENABLED: 'false' }, '/dev/null'),
    log: { ...log, fatal: log.error },
    health: { close: async () => {}, report: () => {} },
    observed,
    configureLogs: () => {},
    retell: () => void retold++,
    setRouteSource: () => {},
  } as unknown as AgentParts);
  const config = (chainInsertMode: string): DataplaneUpdate => ({
    type: 'config',
    global: { ChainInsertMode: chainInsertMode },
    node: {},
  });
  agent.onUpdate(config('insert'));
  await vi.waitFor(() => expect(retold).toBe(1));
  agent.onUpdate(config('append'));
  await vi.waitFor(() => expect(retold).toBe(2));
  agent.onUpdate({ type: 'in-sync' });
  expect(opened.map(({ told }) => told)).toEqual([[], ['in-sync']]);
  expect(errors).toEqual(['the dataplane before this one could not be closed']);
  expect(observed.refused).toEqual([]);
});
