/** Scenarios in processes of their own: they mostly wait, so that several take little longer than one. */
import { execFile } from 'node:child_process';
import type { Backend } from './backend.ts';

let started = 0;

/** Runs a scenario; resolves to what `main.ts` prints, without the time that it took. */
export function runApart(dir: string, backend?: Backend): Promise<string> {
  const prefix = `s${process.pid % 10000}${String.fromCharCode(97 + (started++ % 26))}-`;
  const args = ['test/scenario/main.ts', '--prefix', prefix, ...(backend ? [`--${backend}`] : []), dir];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 1 << 26 }, (_, stdout, stderr) =>
      resolve(stdout.replace(/, \d+ s$/m, '') + stderr),
    );
  });
}
