/**
 * Runs the tests: `test.ts [--long] [NAME…]`. Unit tests first, then those that need namespaces and real programs.
 * The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
const projects = ['unit', 'system', ...(args.includes('--long') ? ['long'] : [])];
const scratch = mkdtempSync(join(tmpdir(), 'calico-test-'));

let passed = 0;
let failed = 0;
for (const project of projects) {
  const report = join(scratch, `${project}.json`);
  const run = spawnSync(
    'vitest',
    [
      'run',
      '--project',
      project,
      '--passWithNoTests',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...names,
    ],
    { stdio: 'inherit' },
  );
  const counts = read(report);
  passed += counts.passed;
  // A run that broke without a failing test (a file that does not load) is a failure too.
  failed += Math.max(counts.failed, run.status === 0 ? 0 : 1);
}
rmSync(scratch, { recursive: true, force: true });
if (passed + failed === 0) {
  console.error(`E_USAGE ./dev test: no test matches ${names.join(' ')}`);
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function read(report: string): { passed: number; failed: number } {
  try {
    const result = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number };
    return { passed: result.numPassedTests, failed: result.numFailedTests };
  } catch {
    return { passed: 0, failed: 0 };
  }
}
