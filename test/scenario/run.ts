/** Runs one scenario against this build and says where packets and kernels fare differently from the recording. */
import { type Backend, withBackend } from './backend.ts';
import { readRecorded, readScenario, type ScenarioFile, type Step, type StepPackets } from './files.ts';
import { compareKernel, type KernelState, readRecordedKernel } from './kernel-state.ts';
import { expand, type ProbeResult, probeKey } from './probe.ts';
import { Prober } from './prober.ts';
import { Programs, until } from './programs.ts';
import { settle } from './settle.ts';
import { Topology } from './topology.ts';

interface Lab {
  readonly dir: string;
  readonly scenario: ScenarioFile;
  readonly recorded: readonly StepPackets[];
  readonly topology: Topology;
  readonly programs: Programs;
  readonly prober: Prober;
}

interface Observed extends StepPackets {
  readonly kernels: ReadonlyMap<string, KernelState>;
}

/**
 * Differences from the recording, one line each; none when all is as upstream's. `prefix` names the namespaces;
 * `backend` replaces the iptables that the scenario asks for.
 */
export async function runScenario(dir: string, prefix: string, backend?: Backend): Promise<string[]> {
  const written = readScenario(dir);
  const scenario = backend ? withBackend(written, backend) : written;
  const topology = new Topology(scenario, prefix);
  const programs = new Programs(scenario, topology);
  const prober = new Prober((name) => topology.namespace(name));
  const lab: Lab = { dir, scenario, recorded: readRecorded(dir), topology, programs, prober };
  const observed: Observed[] = [];
  try {
    topology.up();
    await programs.startEtcd();
    programs.declareReady();
    const [first, ...rest] = scenario.steps as [Step, ...Step[]];
    programs.write(dir, first);
    for (const host of topology.hosts()) programs.startFelix(host);
    await until('every Felix ready', 60, () => programs.allReady());
    observed.push(await observe(lab, first));
    for (const step of rest) {
      await act(lab, step);
      observed.push(await observe(lab, step));
    }
  } finally {
    prober.close();
    await programs.stop();
    topology.down();
  }
  return [...comparePackets(lab.recorded, observed), ...compareKernels(lab, observed, backend)];
}

async function act(lab: Lab, step: Step): Promise<void> {
  const { topology, programs } = lab;
  for (const host of step.stop ?? []) await programs.stopFelix(host);
  for (const workload of step.plug ?? []) topology.plug(workload);
  for (const workload of step.unplug ?? []) topology.unplug(workload);
  programs.write(lab.dir, step);
  for (const [host, commands] of Object.entries(step.exec ?? {}))
    for (const command of commands) topology.shell(host, command);
  for (const host of step.kill ?? []) programs.killFelix(host);
  if (step.kill) await sleep(1000);
  for (const host of step.start ?? []) programs.startFelix(host);
  if (step.etcd === 'stop') await programs.stopEtcd();
  if (step.etcd === 'start') await programs.startEtcd();
}

async function observe(lab: Lab, step: Step): Promise<Observed> {
  const { topology, scenario, prober, recorded } = lab;
  const probesOf = (specs: Step['probes']) =>
    (specs ?? []).flatMap((spec) => expand(spec, (n, f) => topology.address(n, f)));
  const kernels = await settle(topology, lab.programs, step.wait ?? 0);
  const all = [
    ...probesOf(scenario.probes),
    ...scenario.steps.flatMap((s) => probesOf([...(s.probes ?? []), ...Object.values(s.hold ?? {})])),
  ];
  const names = new Set([...topology.hosts(), ...Object.keys(topology.outside()), ...topology.plugged]);
  for (const probe of all) {
    const server = probe.server ?? probe.to;
    if (names.has(server)) prober.serve(server, probe.proto, probe.ip, probe.server_port ?? probe.port ?? 0);
  }
  for (const [name, spec] of Object.entries(step.hold ?? {}))
    for (const probe of probesOf([spec])) prober.hold(name, probe);
  const absent = new Set(Object.keys(topology.workloads()).filter((name) => !topology.plugged.has(name)));
  const upstream = new Map(recorded.find((r) => r.step === step.name)?.probes.map((p) => [probeKey(p), p.verdict]));
  const probes = prober.run(
    probesOf(step.probes ?? scenario.probes).filter((probe) => !absent.has(probe.from)),
    (result: ProbeResult) => upstream.get(probeKey(result)) === result.verdict,
  );
  const held = prober.checkHeld();
  return { step: step.name, probes, kernels, ...(Object.keys(held).length > 0 && { held }) };
}

function comparePackets(recorded: readonly StepPackets[], observed: readonly StepPackets[]): string[] {
  const out: string[] = [];
  recorded.forEach((old, i) => {
    const results = new Map(observed[i]?.probes.map((probe) => [probeKey(probe), probe]));
    for (const want of old.probes) {
      const got = results.get(probeKey(want));
      for (const field of ['verdict', 'source'] as const)
        if (got?.[field] !== want[field]) {
          out.push(`${old.step}: ${probeKey(want)}: ${field} ${got?.[field]}, upstream ${want[field]}`);
          break;
        }
    }
    for (const [name, state] of Object.entries(old.held ?? {}))
      if (observed[i]?.held?.[name] !== state)
        out.push(`${old.step}: held ${name}: ${observed[i]?.held?.[name]}, upstream ${state}`);
  });
  return out;
}

function compareKernels({ dir, topology }: Lab, observed: readonly Observed[], backend?: Backend): string[] {
  return topology.hosts().flatMap((host) => {
    const recorded = readRecordedKernel(dir, host, backend);
    if (recorded.size === 0) return []; // a scenario of ours, which says how packets fare and no more
    let want: KernelState = {};
    return observed.flatMap(({ step, kernels }) => {
      want = recorded.get(step) ?? want;
      return compareKernel(want, kernels.get(host) ?? {}).map((line) => `${step}: ${host}: ${line}`);
    });
  });
}

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
