/**
 * `./dev scenario [--legacy | --nft] [--prefix P] DIR…`: runs scenarios and prints where packets and kernels fare
 * differently from upstream's recording. The option runs them over that iptables, whatever they were recorded with.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { runScenario } from './run.ts';

const { values, positionals } = parseArgs({
  options: { legacy: { type: 'boolean' }, nft: { type: 'boolean' }, prefix: { type: 'string', default: 'sc-' } },
  allowPositionals: true,
});
const backend = values.nft ? 'nft' : values.legacy ? 'legacy' : undefined;

let failed = 0;
for (const dir of positionals) {
  const started = Date.now();
  const differences = await runScenario(dir, values.prefix, backend);
  console.log(`${basename(dir)}: ${differences.length} differences, ${Math.round((Date.now() - started) / 1000)} s`);
  for (const line of differences) console.log(`   ${line}`);
  if (differences.length > 0) failed++;
}
process.exit(failed ? 1 : 0);
