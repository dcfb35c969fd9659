/** calicoctl node checksystem: can this host be a node? */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { CalicoError } from '../../errors/index.ts';
import { type Io, pathIn } from '../io.ts';
import { configuredKernel, FEATURES, runningKernel } from './kernel-features.ts';

/** What the programs' own runtime needs. */
const LEAST = [4, 18] as const;

/** Prints what there is. Throws E_KERNEL naming what is not; E_FILE. */
export async function checksystem(io: Io, { kernelConfig }: { readonly kernelConfig?: string }): Promise<void> {
  const config = kernelConfig === undefined ? undefined : read(pathIn(io, kernelConfig));
  const version = release();
  io.out('Checking kernel version...\n');
  const recent = isRecent(version);
  io.out(line(version, recent ? 'OK' : `older than ${LEAST.join('.')}`));
  io.out('Checking kernel modules...\n');
  const kernel = config === undefined ? runningKernel(version) : configuredKernel(config);
  const lacking: string[] = [];
  for (const feature of FEATURES) {
    const present = kernel.presence(feature) !== null;
    if (!present && !feature.only) lacking.push(feature.name);
    io.out(line(feature.name, present ? 'OK' : feature.only ? `not there: no ${feature.only}` : 'missing'));
  }
  if (!recent || lacking.length > 0)
    throw new CalicoError('E_KERNEL', version, lacking.length > 0 ? `lacks ${lacking.join(', ')}` : 'is too old', {
      hint: 'install the modules of this kernel, or run another one',
    });
  io.out('This host can be a node.\n');
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

function line(what: string, verdict: string): string {
  return `\t\t${what.padEnd(20)}\t\t\t\t\t${verdict}\n`;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'cannot be read', { hint: (cause as Error).message, cause });
  }
}
