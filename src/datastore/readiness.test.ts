import { describe, expect, test } from 'vitest';
import { resourceKey } from './keys.ts';
import { READINESS, Readiness } from './readiness.ts';
import type { Page } from './store.ts';

const info = (clusterGUID: string | undefined, datastoreReady?: boolean) =>
  JSON.stringify({ spec: { clusterGUID, datastoreReady } });

/** Judged in this order (`~`: as a change that a watch saw): the code of each objection, '' for none. */
function judge(...stored: (string | null | { change: string | null })[]): string[] {
  const readiness = new Readiness();
  return stored.map(
    (one) =>
      (one !== null && typeof one === 'object' ? readiness.judgeChange(one.change) : readiness.judge(one))?.code ?? '',
  );
}

describe('what is believed', () => {
  test('one that nobody has initialised, until it has been', () =>
    expect(judge(null, null, info('a'), null, info('a'))).toEqual(['', '', '', 'E_NOT_READY', '']));
  test('not one that says so', () =>
    expect(judge(info('a', false), info('a', true), info('a', false))).toEqual(['E_NOT_READY', '', 'E_NOT_READY']));
  test('not one that cannot be read', () => expect(judge('{', '7')).toEqual(['E_NOT_READY', '']));
  test("not another cluster's, until the first is back", () =>
    expect(judge(info('a'), info('b'), info('b'), null, info(undefined), info('a'), info('b'))).toEqual([
      ...['', 'E_CLUSTER', 'E_CLUSTER', 'E_NOT_READY', 'E_CLUSTER', '', 'E_CLUSTER'],
    ]));
  test('any GUID where there was none', () =>
    expect(judge(info(undefined), info('a'), info('b'))).toEqual(['', '', 'E_CLUSTER']));
  test('another GUID that is seen to be written', () =>
    expect(judge(info('a'), { change: info('b') }, info('b'), info('a'))).toEqual(['', '', '', 'E_CLUSTER']));
  test('… also while it is not ready', () =>
    expect(judge(info('a'), { change: info('b', false) }, info('b'))).toEqual(['', 'E_NOT_READY', '']));
  test('what is seen broken or deleted forgets no GUID', () =>
    expect(judge(info('a'), { change: '{' }, { change: null }, info('b'))).toEqual([
      ...['', 'E_NOT_READY', 'E_NOT_READY', 'E_CLUSTER'],
    ]));
});

describe('a list is held back until its own ClusterInformation is judged', () => {
  const item = (key: string, value = '{}') => ({ key, value, revision: '1' });
  const before = item(resourceKey('bgppeers', 'a'));
  const after = item(resourceKey('nodes', 'a'));
  const list = (value: string | null) =>
    [before, ...(value === null ? [] : [item(READINESS, value)]), after].map((one) => ({
      items: [one],
      revision: '9',
    }));

  async function read(pages: readonly Page[]): Promise<{ keys: string[]; code: string }> {
    const readiness = new Readiness();
    readiness.judge(info('a'));
    const keys: string[] = [];
    try {
      const stream = (async function* () {
        yield* pages;
      })();
      for await (const { items } of readiness.believable(stream)) keys.push(...items.map(({ key }) => key));
      return { keys, code: '' };
    } catch (error) {
      return { keys, code: (error as { code: string }).code };
    }
  }

  test('all of one that is believed', async () =>
    expect(await read(list(info('a')))).toEqual({ keys: [before.key, READINESS, after.key], code: '' }));
  test.each([
    ['of another cluster', list(info('b')), 'E_CLUSTER'],
    ['not ready', list(info('a', false)), 'E_NOT_READY'],
    ['without any', list(null), 'E_NOT_READY'],
    ['that ends before it', list(null).slice(0, 1), 'E_NOT_READY'],
    ['that is empty', [{ items: [], revision: '9' }], 'E_NOT_READY'],
  ])('nothing of one %s', async (_, pages, code) => expect(await read(pages)).toEqual({ keys: [], code }));
});
