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

test('input is made as the program takes it', async () => {
  const asked: number[] = [];
  const pieces = function* (): Generator<string> {
    for (let i = 0; i < 100; i++) {
      asked.push(i);
      yield 'x'.repeat(1 << 16);
    }
  };
  expect((await exec('wc', ['-c'], { stdin: pieces() })).stdout.trim()).toBe(`${100 << 16}`);
  expect(asked).toHaveLength(100);
  asked.length = 0;
  expect((await exec('head', ['-c', '1'], { stdin: pieces() })).stdout).toBe('x');
  expect(asked.length).toBeLessThan(100);
});

test('input that cannot be made is an error, whatever the program says to what there was of it', async () => {
  const pieces = function* (): Generator<string> {
    yield 'one\n';
    throw new TypeError('not lowered');
  };
  await expect(exec('cat', [], { stdin: pieces() })).rejects.toThrow('not lowered');
});

test('output can be taken as it comes', async () => {
  const taken: string[] = [];
  const onOutput = (text: string): void => void taken.push(text);
  const { stdout } = await exec('printf', ['a€b%.0s', '1', '2'], { onOutput });
  expect([taken.join(''), stdout]).toEqual(['a€ba€b', '']);
});
