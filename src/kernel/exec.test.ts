import { expect, test } from 'vitest';
import { type ExecRun, exec, execListeners } from './exec.ts';

test('who listens hears of every run: how it ended, how long it took, how much it read', async () => {
  const runs: ExecRun[] = [];
  const listener = (run: ExecRun): void => void runs.push(run);
  execListeners.add(listener);
  await exec('sh', ['-c', 'cat >/dev/null; exit 3'], { stdin: 'one\ntwo\n' });
  execListeners.delete(listener);
  await exec('true', []);
  expect(runs).toMatchObject([{ program: 'sh', status: 3, lines: 2 }]);
  expect(runs[0]!.seconds).toBeGreaterThanOrEqual(runs[0]!.startSeconds);
});
