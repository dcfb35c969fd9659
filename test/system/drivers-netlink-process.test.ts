// What only a whole process shows: that the thread which waits for the kernel never keeps it from ending.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { CalicoError } from '../../src/errors/index.ts';
import { exec, execOk, readSysctl, writeSysctl } from '../../src/kernel/index.ts';

const kernel = new URL('../../src/kernel/index.ts', import.meta.url).href;

function run(body: string): { status: number | null; stdout: string; stderr: string } {
  const program = `import { KernelEvents } from ${JSON.stringify(kernel)};
    const events = new KernelEvents({ onEvents() {}, onError: console.error });
    ${body}`;
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

test.each([
  ['by itself, with nothing left to do', '', 0],
  ['by process.exit at once', 'process.exit(3);', 3],
  ['by process.exit when the thread waits', 'setTimeout(() => process.exit(4), 300);', 4],
  ['by close', 'await events.close();', 0],
  ['by an error that nobody caught', 'setTimeout(() => { throw new Error("planned") }, 100);', 1],
])('a process that listens to the kernel ends %s', (_, body, status) => {
  const done = run(body);
  expect(done.stderr.replace(/^.*planned.*$/s, '')).toBe('');
  expect(done.status).toBe(status);
});

test('programs get their input, and give output, status and complaint', async () => {
  expect(await exec('cat', [], { stdin: 'text' })).toEqual({ status: 0, stdout: 'text', stderr: '' });
  expect(await exec('sh', ['-c', 'echo no >&2; exit 7'])).toEqual({ status: 7, stdout: '', stderr: 'no\n' });
  expect(await execOk('sh', ['-c', 'echo $WORD'], { env: { WORD: 'yes' } })).toBe('yes\n');
  const big = 'x'.repeat(1 << 20);
  expect((await exec('true', [], { stdin: big })).status).toBe(0);
  expect((await exec('cat', [], { stdin: big })).stdout.length).toBe(big.length);
});

test.each([
  [
    'a program that is missing',
    () => exec('no-such-program', []),
    /^E_KERNEL no-such-program: cannot be run: .*ENOENT.*\(is it installed\?\)$/,
  ],
  [
    'one that takes too long',
    () => exec('sleep', ['30'], { timeoutMs: 100 }),
    /^E_KERNEL sleep: took longer than 100 ms/,
  ],
  ['one that fails', () => execOk('sh', ['-c', 'echo bad >&2; exit 1']), /^E_KERNEL sh -c .*: bad$/],
])('%s is one clear error', async (_, start, message) => {
  const error = await start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CalicoError);
  expect(String(error)).toMatch(message);
});

test('parameters that are missing or refused', () => {
  expect(readSysctl('net/ipv4/conf/no-such-link/forwarding')).toBeNull();
  expect(writeSysctl('net/ipv4/conf/no-such-link/forwarding', '1')).toBe(false);
  expect(() => writeSysctl('net/ipv4/conf/lo/forwarding', 'nonsense')).toThrow(/cannot be set to nonsense: EINVAL/);
});
