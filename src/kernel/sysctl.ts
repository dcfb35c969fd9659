/** Kernel parameters of this process' network namespace, by their path below /proc/sys. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CalicoError } from '../errors/index.ts';

/** The value as text; null when there is no such parameter (its interface is gone, or the kernel lacks it). */
export function readSysctl(path: string): string | null {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch (error) {
    if (isMissing(error)) return null;
    throw failed(path, 'cannot be read', error);
  }
}

/** False when there is no such parameter. E_KERNEL when the kernel refuses the value. */
export function writeSysctl(path: string, value: string): boolean {
  try {
    // Without O_CREAT: /proc makes no files.
    writeFileSync(`/proc/sys/${path}`, value, { flag: 'r+' });
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw failed(path, `cannot be set to ${value}`, error);
  }
}

/** ENODEV: the interface went away between opening and writing. */
function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENODEV';
}

function failed(path: string, what: string, cause: unknown): CalicoError {
  return new CalicoError('E_KERNEL', path, `${what}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
}
