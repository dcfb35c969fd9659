/** Runs the benchmarks of bench/ (all, or those named) and prints their JSON lines; `bench.ts --save` also appends them to bench/figures.jsonl. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync } from 'node:fs';

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
const all = readdirSync('bench')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`E_USAGE ./dev bench: no benchmark ${unknown.join(', ')} (there are ${all.join(', ')})`);
  process.exit(1);
}
let failed = false;
for (const name of names.length > 0 ? names : all) {
  const run = spawnSync(process.execPath, ['--expose-gc', `bench/${name}.ts`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  failed ||= run.status !== 0;
  process.stdout.write(run.stdout);
  if (args.includes('--save')) appendFileSync('bench/figures.jsonl', run.stdout);
}
process.exit(failed ? 1 : 0);
