/** The long form of test/system/faults.test.ts: more kills, a longer time without etcd. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveLab } from '../scenario/live-lab.ts';

const KILLS = 100;
const AWAY = 60_000; // ms

describe.each(['legacy', 'nft'] as const)('policy and routes while things break, over %s', (backend) => {
  let lab: LiveLab;
  beforeAll(async () => {
    lab = await LiveLab.up(`f${process.pid % 10000}-`, backend);
  });
  afterAll(() => lab.down());

  async function nothingLostNothingLeaked(during: () => Promise<void>): Promise<void> {
    const { sent, wrong } = await lab.whilePacketsPass(during);
    expect(sent).toBeGreaterThan(AWAY / 20); // half of what is sent in that time
    expect(wrong).toEqual([]);
  }

  it(`Felix is killed ${KILLS} times, policies and endpoints change meanwhile`, () =>
    nothingLostNothingLeaked(async () => {
      expect(await lab.kills(KILLS)).toBeGreaterThan(5 * KILLS);
    }));

  it(`etcd is away for ${AWAY / 1000} s, and Felix is killed meanwhile`, () =>
    nothingLostNothingLeaked(async () => {
      await lab.programs.stopEtcd();
      await sleep(AWAY / 2);
      lab.programs.killFelix('h1');
      await sleep(AWAY / 2);
      await lab.programs.startEtcd();
      await lab.ready();
      await sleep(2000);
    }));
});

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
