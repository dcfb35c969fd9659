/** Starts our Felix on hosts that upstream's Felix was recorded on, while packets pass. */
import { type Backend, withBackend } from './backend.ts';
import { readRecorded, readScenario, type Step } from './files.ts';
import { compareKernel, readKernel, readRecordedKernel } from './kernel-state.ts';
import { leftovers, othersNames, unlikeUpstream } from './ownership.ts';
import { Programs, until } from './programs.ts';
import { recordedStreams } from './recorded-streams.ts';
import { settle } from './settle.ts';
import { judge, Streams } from './streams.ts';
import { Topology } from './topology.ts';
import { restoreKernel } from './upstream-state.ts';

const RATE = 100; // packets a second, of each stream
const MOST = 10; // streams of each verdict

export interface TakeOver {
  readonly sent: number;
  /** Streams that are allowed and lost packets, denied and delivered some. */
  readonly wrong: readonly string[];
  /** In the kernel, afterwards. */
  readonly differences: readonly string[];
}

/** Where upstream's Felix stood after the scenario's step `at`, the first unless it is given. */
export async function takeOver(dir: string, prefix: string, backend?: Backend, at?: string): Promise<TakeOver> {
  const written = readScenario(dir);
  const scenario = backend ? withBackend(written, backend) : written;
  const last = at === undefined ? 0 : scenario.steps.findIndex((step) => step.name === at);
  const step = scenario.steps[last] as Step;
  const topology = new Topology(scenario, prefix);
  const programs = new Programs(scenario, topology);
  try {
    topology.up();
    await programs.startEtcd();
    programs.declareReady();
    for (const done of scenario.steps.slice(0, last + 1)) {
      for (const workload of done.plug ?? []) topology.plug(workload);
      for (const workload of done.unplug ?? []) topology.unplug(workload);
      programs.write(dir, done);
    }
    const recorded = new Map(topology.hosts().map((host) => [host, readRecordedKernel(dir, host, backend)]));
    const upstreams = (host: string) => recorded.get(host)?.get(step.name) ?? {};
    for (const host of topology.hosts()) {
      restoreKernel(topology.namespace(host), upstreams(host));
      plantStale(topology, host);
    }
    const others = new Map(topology.hosts().map((host) => [host, othersNames(readKernel(topology.namespace(host)))]));

    const { allowed, denied } = recordedStreams(scenario, step, readRecorded(dir), topology, MOST);
    if (allowed.length + denied.length === 0) throw new Error('the recording has nothing to send');
    const streams = await Streams.start([...allowed, ...denied], RATE);
    await sleep(1000); // upstream's chains alone
    for (const host of topology.hosts()) programs.startFelix(host);
    await until('every Felix ready', 60, () => programs.allReady());
    const kernels = await settle(topology, programs, 2);
    const results = await streams.stop();

    const differences = topology.hosts().flatMap((host) => {
      const kernel = kernels.get(host) ?? {};
      const names = othersNames(kernel);
      return [
        ...compareKernel(upstreams(host), kernel),
        ...leftovers(kernel).map((what) => `left over: ${what}`),
        ...unlikeUpstream(kernel).map((what) => `not as upstream's: ${what}`),
        ...(names.join() === others.get(host)?.join() ? [] : [`others: ${names.join()}, before ${others.get(host)}`]),
      ].map((line) => `${host}: ${line}`);
    });
    return { ...judge(results, allowed.length), differences };
  } finally {
    await programs.stop();
    topology.down();
  }
}

/** What Felixes of other days, or ones that died on the way, leave behind. */
function plantStale(topology: Topology, host: string): void {
  for (const backend of ['legacy', 'nft']) {
    topology.shell(host, `iptables-${backend} -w -N cali-pi-gone && iptables-${backend} -w -A cali-pi-gone -j DROP`);
    topology.shell(host, `iptables-${backend} -w -t raw -N cali-rpf-skip`);
  }
  topology.shell(
    host,
    'ipset create cali40s:gone hash:net && ipset create cali4t3 hash:ip && ipset create not-ours hash:ip',
  );
}

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
