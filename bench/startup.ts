/** Start-up of the command line: `calicoctl --help`, the whole process. */
import { spawnSync } from 'node:child_process';

const times: number[] = [];
for (let i = 0; i < 15; i++) {
  const started = performance.now();
  const { status } = spawnSync('bin/calicoctl', ['--help']);
  if (status !== 0) throw new Error(`calicoctl --help: exit ${status}`);
  times.push(performance.now() - started);
}
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({ bench: 'startup', what: 'calicoctl --help', min_ms: times[0], p50_ms: times[7], max_ms: times[14] }),
);
