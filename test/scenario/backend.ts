/** The same scenario over another iptables than the one it was recorded with. */
import type { MachineSpec, ScenarioFile } from './files.ts';

export type Backend = 'legacy' | 'nft';

/** Every Felix uses `backend`, and so does everybody else on its host. */
export function withBackend(scenario: ScenarioFile, backend: Backend): ScenarioFile {
  const setting = { IptablesBackend: backend };
  const commands = (of: Record<string, readonly string[]>) =>
    mapValues(of, (lines) => lines.map((line) => line.replaceAll(/\b(ip6?tables)-(legacy|nft)\b/g, `$1-${backend}`)));
  return {
    ...scenario,
    felix: { ...scenario.felix, ...setting },
    hosts: mapValues(scenario.hosts, (host): MachineSpec => ({ ...host, felix: { ...host.felix, ...setting } })),
    ...(scenario.before && { before: commands(scenario.before) }),
    steps: scenario.steps.map((step) => (step.exec ? { ...step, exec: commands(step.exec) } : step)),
  };
}

function mapValues<A, B>(of: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));
}
