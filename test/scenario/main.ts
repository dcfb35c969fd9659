/** `./dev scenario DIR…`: runs scenarios and prints where packets fare differently from upstream's recording. */
import { basename } from 'node:path';
import { runScenario } from './run.ts';

let failed = 0;
for (const dir of process.argv.slice(2)) {
  const started = Date.now();
  const differences = await runScenario(dir, 'sc-');
  console.log(`${basename(dir)}: ${differences.length} differences, ${Math.round((Date.now() - started) / 1000)} s`);
  for (const line of differences) console.log(`   ${line}`);
  if (differences.length > 0) failed++;
}
process.exit(failed ? 1 : 0);
