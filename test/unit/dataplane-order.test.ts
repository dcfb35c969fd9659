/** The order in which the dataplane writes: it is what keeps packets from passing without policy. */
import { describe, expect, it } from 'vitest';
import { CalcGraph } from '../../src/calc/index.ts';
import { gone, policy, put, workload } from '../../src/calc/testing/resources.ts';
import { Dataplane, type DataplaneConfig, type RoundOutcome } from '../../src/dataplane/index.ts';
import { Iptables } from '../../src/drivers/iptables/index.ts';
import type { exec } from '../../src/kernel/index.ts';
import type { Update } from '../../src/model/index.ts';
import type { Family } from '../../src/net/index.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { driversOver, linkUp } from '../random/fake-kernel.ts';
import { RecordingKernel } from './operations-kernel.ts';

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const w1 = workload('w1', { ips: ['10.65.0.1/32'] });
const P = policy('p', { selector: 'all()' });

class Host {
  readonly kernel = new RecordingKernel();
  readonly graph = new CalcGraph({ node: 'h1' });
  /** What the kernel was asked, in order; a restore as its whole text. */
  readonly asked: string[] = [];
  saved = '';
  /** How often chains were read. */
  reads = 0;
  /** Whose programs fail: a family's, or no one's. */
  refuses: Family | false = false;
  /** By rules over the other backend. */
  policed = false;
  #ended: (outcome: RoundOutcome) => void = () => {};
  readonly dataplane: Dataplane;

  constructor(families: readonly Family[] = [4], more: Partial<DataplaneConfig> = {}) {
    const recording = driversOver(this.kernel);
    const run: typeof exec = async (program, _args, { stdin, onOutput } = {}) => {
      this.note();
      const refused = this.refuses === (program.startsWith('ip6') ? 6 : 4);
      if (program.endsWith('save')) {
        this.reads++;
        // The recording kernel's tables read as empty: its links are told of right after they have been read.
        for (const event of [linkUp('cali-w1', 5), linkUp('cali-w2', 6)]) recording.links.handle(event);
        onOutput?.(this.saved);
        return { status: 0, stdout: '', stderr: '' };
      }
      this.asked.push([...(stdin ?? '')].join(''));
      // Something takes its time, and something else comes in between.
      await new Promise((resolve) => setImmediate(resolve));
      return refused
        ? { status: 4, stdout: '', stderr: 'Another app is currently holding the xtables lock' }
        : { status: 0, stdout: '', stderr: '' };
    };
    const config = { ...BOTH_FAMILIES, families, ...more };
    const iptables = families.map((family) => new Iptables({ family, backend: 'legacy', insertMode: 'insert', run }));
    const leftovers = {
      police: async () => this.policed,
      clear: async () => {
        this.note();
        this.asked.push('leftovers removed');
      },
    };
    const drivers = { ...recording, iptables, leftovers };
    this.dataplane = new Dataplane({ config, drivers, log, onRound: (_, outcome) => this.#ended(outcome) });
  }

  note(): void {
    this.asked.push(...this.kernel.take().map(({ what }) => what));
  }

  /** How the round went, and what it asked for. */
  round(updates: readonly Update[]): Promise<{ outcome: RoundOutcome; asked: string[] }> {
    return this.roundAfter(() => {
      this.graph.onUpdates(updates);
      this.graph.onStatus('in-sync');
      this.graph.flush((update) => this.dataplane.onUpdate(update));
    });
  }

  async roundAfter(cause: () => void): Promise<{ outcome: RoundOutcome; asked: string[] }> {
    const ended = new Promise<RoundOutcome>((resolve) => {
      this.#ended = resolve;
    });
    cause();
    const outcome = await ended;
    this.note();
    return { outcome, asked: this.asked.splice(0) };
  }

  /** What all rounds that come by themselves ask for, until one leaves nothing undone: some may be for something else. */
  async untilDone(): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const { outcome, asked } = await this.roundAfter(() => {});
      all.push(...asked);
      if (outcome === 'done') return all;
    }
  }
}

const isRestore = (text: string): boolean => text.startsWith('*');
const writes = (asked: readonly string[]): string[] => asked.filter((what) => isRestore(what) || !/read$/.test(what));
const opens = (what: string): boolean => ['route', 'neighbour', 'parameter written'].includes(what);

describe('the apply loop', () => {
  it('asks the kernel for nothing before everything that exists has been told', async () => {
    const host = new Host();
    host.graph.onUpdates([put(w1), put(P)]);
    host.graph.flush((update) => host.dataplane.onUpdate(update));
    await new Promise((resolve) => setTimeout(resolve, 20));
    host.note();
    expect(host.asked).toEqual([]);
  });

  it('on an empty kernel closes workloads first, then writes sets, chains, and routes last', async () => {
    const { outcome, asked } = await new Host().round([put(w1), put(P)]);
    const written = writes(asked);
    expect(outcome).toBe('done');
    expect(written[0]).toContain('Unknown interface');
    expect(written[0]).not.toContain('cali-tw-');
    const policed = written.findIndex((text) => text.includes('-A cali-tw-cali-w1'));
    expect(written[policed]).toContain(':cali-pi-default.p');
    expect(written[policed]).toContain('-A cali-to-wl-dispatch');
    expect(written.indexOf('set')).toBeLessThan(policed);
    expect(written.findIndex(opens)).toBeGreaterThan(policed);
    expect(written.filter((what) => what === 'route')).toHaveLength(1);
  });

  it('where a dispatch is in the kernel already, never empties it', async () => {
    const host = new Host();
    host.saved =
      '*filter\n:cali-from-wl-dispatch - [0:0]\n-A cali-from-wl-dispatch -i cali1 -j cali-fw-cali1\nCOMMIT\n';
    const { asked } = await host.round([put(w1), put(P)]);
    expect(asked.filter(isRestore)).toHaveLength(1);
    expect(asked.find(isRestore)).toContain('-g cali-fw-cali-w1'.replace('-g', '--goto'));
  });

  it('where another backend polices, closes nothing, and removes its rules once ours are there', async () => {
    const host = new Host();
    host.policed = true;
    const { asked } = await host.round([put(w1), put(P)]);
    expect(asked.filter(isRestore)).toHaveLength(1);
    const removed = asked.indexOf('leftovers removed');
    expect(removed).toBeGreaterThan(asked.findIndex(isRestore));
    expect(removed).toBeGreaterThan(asked.lastIndexOf('route'));
    const later = await host.round([put({ ...w1, labels: { a: 'b' } })]);
    expect(later.asked).not.toContain('leftovers removed');
  });

  it('reads chains again after a write, and mends them, only where that is asked for', async () => {
    const host = new Host([4], { checkAfterWrite: 0.01 });
    await host.round([put(w1), put(P)]);
    expect(host.reads).toBe(1);
    // This kernel keeps nothing: as if somebody had emptied it.
    const { asked } = await host.roundAfter(() => {});
    expect(host.reads).toBe(2);
    expect(asked.find(isRestore)).toContain('-A cali-tw-cali-w1');
    await host.dataplane.close();
    const other = new Host();
    await other.round([put(w1), put(P)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(other.reads).toBe(1);
  });

  it('does not remove what other settings left while chains cannot be written', async () => {
    const host = new Host();
    host.refuses = 4;
    expect((await host.round([put(w1), put(P)])).outcome).toBe('failed');
    await new Promise((resolve) => setImmediate(resolve));
    expect(host.asked).toEqual([]);
  });

  it('opens nothing while chains cannot be written, and goes on when they can', async () => {
    const host = new Host();
    await host.round([put(P)]);
    host.refuses = 4;
    const failed = await host.round([put(w1)]);
    expect(failed.outcome).toBe('failed');
    expect(failed.asked.filter(opens)).toEqual([]);
    host.refuses = false;
    const { outcome, asked } = await host.round([put({ ...w1, labels: { a: 'b' } })]);
    expect(outcome).toBe('done');
    expect(asked.filter((what) => what === 'route')).toHaveLength(1);
  });

  it('takes the route of an endpoint that is gone away before its chains', async () => {
    const host = new Host();
    await host.round([put(w1), put(P)]);
    const { asked } = await host.round([gone(w1)]);
    const written = writes(asked);
    expect(written.indexOf('route removed')).toBeGreaterThanOrEqual(0);
    expect(written.indexOf('route removed')).toBeLessThan(written.findIndex(isRestore));
    expect(written.find(isRestore)).toContain('-X cali-tw-cali-w1');
    expect(written).toContain('connections ended');
  });

  it('moves an address to another interface only when that one has its chains', async () => {
    const host = new Host();
    const w2 = workload('w2', { ips: ['10.65.0.1/32'] });
    await host.round([put(w2), put(P)]);
    const { asked } = await host.round([put(w1)]);
    const written = writes(asked);
    expect(written.indexOf('route')).toBeGreaterThan(written.findIndex((text) => text.includes('-A cali-tw-cali-w1')));
    expect(written).not.toContain('route removed');
    // The other one has it again when this one is gone.
    const back = writes((await host.round([gone(w1)])).asked);
    expect(back.filter((what) => what.startsWith('route'))).toEqual(['route']);
  });

  it('of two endpoints with one address, gives it to the same whichever comes first', async () => {
    const host = new Host();
    await host.round([put(w1), put(P)]);
    const { asked } = await host.round([put(workload('w2', { ips: ['10.65.0.1/32'] }))]);
    expect(asked.filter((what) => what.startsWith('route'))).toEqual([]);
  });

  it('opens one family while the chains of the other cannot be written', async () => {
    const host = new Host([4, 6]);
    host.refuses = 6;
    const both = workload('w1', { ips: ['10.65.0.1/32', 'fd00:65::1/128'] });
    const first = await host.round([put(both), put(P)]);
    expect(first.outcome).toBe('failed');
    expect(first.asked.filter((what) => what === 'route')).toHaveLength(1);
    host.refuses = false;
    expect((await host.untilDone()).filter((what) => what === 'route')).toHaveLength(1);
  });

  it('while chains cannot be written, ends connections of what is gone, and tries again by itself', async () => {
    const host = new Host();
    await host.round([put(w1), put(P)]);
    host.refuses = 4;
    const { outcome, asked } = await host.round([gone(w1)]);
    expect(outcome).toBe('failed');
    expect(asked).toContain('route removed');
    expect(asked).toContain('connections ended');
    expect(asked).not.toContain('set removed');
    host.refuses = false;
    const next = await host.untilDone();
    // The kernel was read again, and had nothing.
    expect(next.find(isRestore)).toContain(':cali-FORWARD');
    expect(next.find(isRestore)).not.toContain('cali-tw-cali-w1');
  });

  it('does not hurry chains that wait for another try when a link changes, and does when there is something new', async () => {
    const host = new Host();
    await host.round([put(P)]);
    host.refuses = 4;
    // Each failure makes the next try wait longer: long enough for a busy machine.
    for (let i = 0; i < 7; i++)
      expect((await host.round([put({ ...w1, labels: { i: `${i}` } })])).outcome).toBe('failed');
    const restores = ({ asked }: { asked: string[] }) => asked.filter(isRestore).length;
    const told = await host.roundAfter(() => host.dataplane.onKernelEvents([linkUp('cali-w3', 7)]));
    expect({ outcome: told.outcome, restores: restores(told) }).toEqual({ outcome: 'failed', restores: 0 });
    expect(restores(await host.round([put(workload('w2'))]))).toBeGreaterThan(0);
  });
});
