/** What holds while things break: packets of an allowed pair all pass, of a denied pair none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveLab } from '../scenario/live-lab.ts';

describe.each(['legacy', 'nft'] as const)('policy and routes while things break, over %s', (backend) => {
  let lab: LiveLab;
  beforeAll(async () => {
    lab = await LiveLab.up(`f${process.pid % 10000}-`, backend);
  });
  afterAll(() => lab.down());

  async function nothingLostNothingLeaked(during: () => Promise<void>): Promise<void> {
    const { sent, wrong } = await lab.whilePacketsPass(during);
    expect(sent).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  }

  it('is noticed where it does not hold', async () => {
    const { wrong } = await lab.whilePacketsPass(async () => {
      for (const target of ['ACCEPT', 'DROP']) {
        const rule = `FORWARD -o cali+ -j ${target}`;
        lab.topology.shell('h1', `iptables-${backend} -w -I ${rule}; sleep 0.1; iptables-${backend} -w -D ${rule}`);
      }
    });
    const streams = wrong.map((line) => line.replace(/:.*? of \d+ (\w+), at.*/, ': $1'));
    expect(streams).toEqual([
      'client to neighbour tcp 10.65.0.4: lost',
      'stranger to neighbour tcp 10.65.0.4: delivered',
    ]);
  });

  it('Felix is killed 10 times, policies and endpoints change meanwhile', () =>
    nothingLostNothingLeaked(async () => {
      expect(await lab.kills(10)).toBeGreaterThan(50);
    }));

  it('Felix is told to end, and started again, 3 times', () =>
    nothingLostNothingLeaked(async () => {
      for (let i = 0; i < 3; i++) {
        for (const host of lab.topology.hosts()) await lab.programs.stopFelix(host);
        for (const host of lab.topology.hosts()) lab.programs.startFelix(host);
        await lab.ready();
      }
    }));

  it('etcd is away, and Felix is killed meanwhile', () =>
    nothingLostNothingLeaked(async () => {
      await lab.programs.stopEtcd();
      await sleep(5000);
      lab.programs.killFelix('h1');
      await sleep(5000);
      await lab.programs.startEtcd();
      await lab.ready();
      await sleep(2000);
    }));
});

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
