/** Streams between a scenario's namespaces, of what upstream's Felix was recorded to let pass and to drop. */
import type { ScenarioFile, Step, StepPackets } from './files.ts';
import { expand, probeKey, type Verdict } from './probe.ts';
import type { StreamSpec } from './streams.ts';
import type { Topology } from './topology.ts';

/** At most so many of each verdict, spread over all that the recording of `step` has. */
export function recordedStreams(
  scenario: ScenarioFile,
  step: Step,
  recorded: readonly StepPackets[],
  topology: Topology,
  most: number,
): { allowed: StreamSpec[]; denied: StreamSpec[] } {
  const verdicts = new Map(
    recorded.find((old) => old.step === step.name)?.probes.map((probe) => [probeKey(probe), probe.verdict]),
  );
  const known = new Set([...topology.hosts(), ...Object.keys(topology.outside()), ...topology.plugged]);
  const specs = step.probes ?? scenario.probes ?? [];
  const found: [Verdict, StreamSpec][] = [];
  for (const probe of specs.flatMap((spec) => expand(spec, (name, family) => topology.address(name, family)))) {
    const { from, proto, dst, port, ip } = probe;
    const at = probe.server ?? probe.to;
    const verdict = verdicts.get(probeKey(probe));
    const src = topology.address(from, ip);
    const ordinary =
      probe.sport === undefined && probe.src === undefined && src !== undefined && !/^(255|ff)/.test(dst);
    if (verdict === undefined || !ordinary || !known.has(at) || port === undefined) continue;
    if (proto !== 'tcp' && proto !== 'udp') continue;
    const ends = { from: topology.namespace(from), at: topology.namespace(at) };
    found.push([verdict, { name: probeKey(probe), ...ends, proto, src, dst, port }]);
  }
  const some = (wanted: Verdict) => {
    const all = found.flatMap(([verdict, spec]) => (verdict === wanted ? [spec] : []));
    const stride = Math.max(1, all.length / most);
    return Array.from({ length: Math.min(most, all.length) }, (_, i) => all[Math.floor(i * stride)] as StreamSpec);
  };
  return { allowed: some('allow'), denied: some('drop') };
}
