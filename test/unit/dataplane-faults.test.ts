/** A mistake of our own in one object: the object is closed, is told of and tried again, and all others go on. */
import { afterEach, expect, test } from 'vitest';
import { CalcGraph, type DataplaneUpdate } from '../../src/calc/index.ts';
import { gone, hostEndpoint, policy, put, workload } from '../../src/calc/testing/resources.ts';
import type { Drivers } from '../../src/dataplane/drivers.ts';
import { Dataplane, type EndpointStatus, type RoundOutcome } from '../../src/dataplane/index.ts';
import { Iptables } from '../../src/drivers/iptables/index.ts';
import { CalicoError } from '../../src/errors/index.ts';
import type { exec } from '../../src/kernel/index.ts';
import type { Update } from '../../src/model/index.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { driversOver, linkUp } from '../random/fake-kernel.ts';
import { RecordingKernel } from './operations-kernel.ts';

class Host {
  readonly #graph = new CalcGraph({ node: 'h1' });
  readonly #dataplane: Dataplane;
  readonly #run: typeof exec = async (program, _args, { stdin } = {}) => {
    // The recording kernel's tables read as empty: its links are told of right after they have been read.
    if (program.endsWith('save'))
      for (const [i, name] of ['cali-w1', 'cali-w2', 'eth0'].entries()) this.#links?.handle(linkUp(name, i + 5));
    this.written += [...(stdin ?? '')].join('');
    return { status: 0, stdout: '', stderr: '' };
  };
  #links: Drivers['links'] | undefined;
  /** Messages of rtnetlink that the kernel does not answer. */
  silentOn: number | null = null;
  #ended: (outcome: RoundOutcome) => void = () => {};
  written = '';
  readonly said: string[] = [];
  readonly states = new Map<string, EndpointStatus | null>();

  constructor() {
    const iptables = [new Iptables({ family: 4, backend: 'legacy', insertMode: 'insert', run: this.#run })];
    const kernel = new RecordingKernel();
    const drivers = { ...driversOver(kernel), iptables };
    const take = kernel.message.bind(kernel);
    kernel.message = (of, message) => {
      if (of === 'rtnetlink' && message.type === this.silentOn) throw new CalicoError('E_KERNEL', 'netlink', 'silent');
      take(of, message);
    };
    this.#links = drivers.links;
    const say = (fields: object) => void this.said.push(Object.values(fields).join(': '));
    this.#dataplane = new Dataplane({
      config: { ...BOTH_FAMILIES, families: [4] },
      drivers,
      log: { debug: () => {}, info: say, warn: say, error: say },
      onRound: (_, outcome) => this.#ended(outcome),
      onEndpointStatus: (id, status) => void this.states.set(id.name, status),
    });
  }

  round(updates: readonly Update[], change = (update: DataplaneUpdate) => update): Promise<RoundOutcome> {
    this.#graph.onUpdates(updates);
    this.#graph.onStatus('in-sync');
    this.written = '';
    this.said.length = 0;
    const next = this.next();
    this.#graph.flush((update) => this.#dataplane.onUpdate(change(update)));
    return next;
  }

  next(): Promise<RoundOutcome> {
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  close(): Promise<void> {
    return this.#dataplane.close();
  }
}

/** Whose fields throw while this is true. */
let broken = true;
const throwing = <T extends object>(value: T, field: keyof T): T =>
  Object.defineProperty({ ...value }, field, {
    enumerable: true,
    get: () => {
      if (broken) throw new Error('a mistake');
      return value[field];
    },
  });
const rules = (text: string, chain: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(`-A ${chain} `));

const w1 = workload('w1');
const w2 = workload('w2');
const P = policy('p', { selector: 'all()' });
let host = new Host();
afterEach(async () => {
  await host.close();
  broken = true;
  host = new Host();
});

test('a workload whose chains cannot be made is closed and in error until they can; the others have theirs', async () => {
  const breakW1 = (update: DataplaneUpdate): DataplaneUpdate =>
    update.type === 'workload' && update.workload.endpoint.interfaceName === 'cali-w1'
      ? { ...update, workload: throwing(update.workload, 'tiers') }
      : update;
  expect(await host.round([put(w1), put(w2), put(P)], breakW1)).toBe('partly');
  expect(rules(host.written, 'cali-tw-cali-w1')).toHaveLength(1);
  expect(rules(host.written, 'cali-tw-cali-w1')[0]).toContain('--jump DROP');
  expect(rules(host.written, 'cali-fw-cali-w1')).toHaveLength(1);
  expect(rules(host.written, 'cali-tw-cali-w2').length).toBeGreaterThan(3);
  expect(host.states.get(w1.id.name)).toMatchObject({
    state: 'error',
    problems: [expect.stringContaining('a mistake')],
  });
  expect(host.states.get(w2.id.name)?.state).toBe('up');
  expect(host.said.filter((line) => line.startsWith('interface cali-w1'))).toHaveLength(1);
  // Of itself, and no word of it again.
  expect(await host.next()).toBe('partly');
  expect(host.said.filter((line) => line.startsWith('interface cali-w1'))).toHaveLength(1);
  broken = false;
  expect(await host.next()).toBe('done');
  expect(rules(host.written, 'cali-tw-cali-w1').length).toBeGreaterThan(3);
  expect(host.states.get(w1.id.name)?.state).toBe('up');
  expect(host.said.at(-1)).toBe('interface cali-w1');
});

test('a host endpoint whose chains cannot be made keeps failsafe ports only, and forwards nothing', async () => {
  const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0' });
  const other = hostEndpoint('eth1', { interfaceName: 'eth1' });
  const breakEth0 = (update: DataplaneUpdate): DataplaneUpdate =>
    update.type === 'host-endpoint' && update.hostEndpoint.endpoint.interfaceName === 'eth0'
      ? { ...update, hostEndpoint: throwing(update.hostEndpoint, 'tiers') }
      : update;
  expect(await host.round([put(eth0), put(other), put(P)], breakEth0)).toBe('partly');
  const own = rules(host.written, 'cali-fh-eth0').join('\n');
  expect(own).toContain('cali-failsafe-in');
  expect(own).not.toContain('cali-pi-');
  expect(rules(host.written, 'cali-fhfw-eth0').map((line) => line.includes('--jump DROP'))).toEqual([true]);
  expect(rules(host.written, 'cali-fh-eth1').join('\n')).toContain('cali-pi-');
  expect(host.states.get('eth0')?.state).toBe('error');
  broken = false;
  expect(await host.next()).toBe('done');
  expect(rules(host.written, 'cali-fh-eth0').join('\n')).toContain('cali-pi-');
});

test.each([0, 1])(
  'a policy whose chain cannot be made, after %s times that it could, closes what it applies to and no more',
  async (good) => {
    const own = policy('own', { selector: 'has(own)' });
    const labelled = { ...w1, labels: { own: '' } };
    const breakOwn = (update: DataplaneUpdate): DataplaneUpdate => {
      if (update.type !== 'policy' || update.policy.id.name !== 'own') return update;
      const { ingress } = update.policy;
      let reads = 0;
      const get = () => {
        if (reads++ >= good && broken) throw new Error('a mistake');
        return ingress;
      };
      return { ...update, policy: Object.defineProperty({ ...update.policy }, 'ingress', { enumerable: true, get }) };
    };
    expect(await host.round([put(labelled), put(w2), put(P), put(own)], breakOwn)).toBe('partly');
    expect(rules(host.written, 'cali-pi-default.own').map((line) => line.includes('--jump DROP'))).toEqual([true]);
    expect(rules(host.written, 'cali-tw-cali-w1').join()).toContain('cali-pi-default.own');
    expect(host.states.get(w1.id.name)).toMatchObject({
      state: 'error',
      problems: [expect.stringContaining('a mistake')],
    });
    expect(host.states.get(w2.id.name)?.state).toBe('up');
    broken = false;
    expect(await host.next()).toBe('done');
    expect(host.states.get(w1.id.name)?.state).toBe('up');
    await host.round([gone(own)]);
    expect(host.written).toContain('-X cali-pi-default.own');
  },
);

test.each([
  ['routes of IPv4', 24],
  ['bandwidths', 36],
] as const)(
  '%s that the kernel does not answer are in the status of who needs them, and of nobody else',
  async (job, type) => {
    await host.round([put(w2), put(P)]);
    host.silentOn = type;
    const qos = { ingress: { bandwidth: { rate: 1e6, burst: 1e6 } }, egress: {} };
    expect(await host.round([put(workload('w1', { ips: ['10.65.0.1/32'], qos }))])).toBe('partly');
    expect(host.states.get(w1.id.name)).toMatchObject({
      state: 'error',
      problems: [`${job} cannot be programmed: E_KERNEL netlink: silent`],
    });
    expect(host.states.get(w2.id.name)?.state).toBe('up');
    host.silentOn = null;
    while ((await host.next()) !== 'done');
    expect(host.states.get(w1.id.name)?.state).toBe('up');
  },
);

test('an update that cannot be taken is tried again, unless a later one says something else', async () => {
  await host.round([put(P)]);
  // What it is about can be read, once: the rest cannot.
  const onceReadable = (update: DataplaneUpdate): DataplaneUpdate => {
    if (update.type !== 'workload') return update;
    const { endpoint } = update.workload;
    let reads = 0;
    const value = Object.defineProperty({ ...update.workload }, 'endpoint', {
      enumerable: true,
      get: () => {
        if (reads++ > 0 && broken) throw new Error('a mistake');
        return endpoint;
      },
    });
    return { ...update, workload: value };
  };
  expect(await host.round([put(w1), put(w2)], onceReadable)).toBe('partly');
  expect(host.written).not.toContain('cali-tw-cali-w1');
  await host.round([gone(w2)]);
  broken = false;
  expect(await host.next()).toBe('done');
  expect(host.written).toContain('-A cali-tw-cali-w1');
  expect(host.written).not.toContain('-A cali-tw-cali-w2');
});
