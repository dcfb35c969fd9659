/** Another dataplane takes the place of the one before, whatever becomes of that one. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DataplaneUpdate } from '../calc/index.ts';
import { Agent, type AgentParts } from './agent.ts';
import { LocalConfig } from './local.ts';

const { opened } = vi.hoisted(() => ({ opened: [] as { told: string[] }[] }));
vi.mock('./enforcement.ts', () => ({
  Enforcement: {
    open: async () => {
      const one = {
        told: [] as string[],
        dataplane: {
          onUpdate: ({ type }: { type: string }) => void one.told.push(type),
          configureEncapsulations: () => {},
        },
        close: async () => {
          throw new Error('a socket is gone');
        },
      };
      opened.push(one);
      return one;
    },
  },
}));

const told = (chainInsertMode: string): DataplaneUpdate => ({
  type: 'config',
  global: { ChainInsertMode: chainInsertMode },
  node: {},
});

beforeEach(() => void opened.splice(0));
afterEach(() => void vi.useRealTimers());

test('a port that somebody else has keeps nothing from being policed, and is tried again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const errors: unknown[] = [];
  let retold = 0;
  let served = 0;
  let taken = true;
  const log = { info: () => {}, warn: () => {}, error: ({ part }: { part: string }) => void errors.push(part) };
  const observed = { reports: { configure: () => {}, startOver: () => {} }, refused: [] as string[] };
  const serve = async () => {
    if (taken) throw new Error('listen EADDRINUSE');
    served++;
  };
  const agent = new Agent({
    local: new LocalConfig({ FELIX_HEALTHENABLED: 'true' }, '/dev/null'),
    log: { ...log, fatal: log.error },
    health: { serve, report: () => {} },
    observed,
    configureLogs: () => {},
    retell: () => void retold++,
    setRouteSource: () => {},
  } as unknown as AgentParts);
  agent.onUpdate(told('insert'));
  await vi.waitFor(() => expect(retold).toBe(1));
  expect(observed.refused).toEqual(['health: Error: listen EADDRINUSE']);
  await vi.advanceTimersByTimeAsync(6_000);
  taken = false;
  await vi.advanceTimersByTimeAsync(6_000);
  await vi.waitFor(() => expect(served).toBe(1));
  expect([errors, observed.refused, retold]).toEqual([['health'], [], 1]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(served).toBe(1);
});

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
  agent.onUpdate(told('insert'));
  await vi.waitFor(() => expect(retold).toBe(1));
  agent.onUpdate(told('append'));
  await vi.waitFor(() => expect(retold).toBe(2));
  agent.onUpdate({ type: 'in-sync' });
  expect(opened.map(({ told }) => told)).toEqual([[], ['in-sync']]);
  expect(errors).toEqual(['the dataplane before this one could not be closed']);
  expect(observed.refused).toEqual([]);
});
