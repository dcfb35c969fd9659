/** Which bits of the packet mark are ours, and what each is for. */
import { CalicoError } from '../errors/index.ts';
import type { Mark } from './chain.ts';

export type MarkBits = Readonly<Record<Mark, number>>;

/**
 * Takes the lowest four bits of the mask, in upstream's order, so that a rule of either means the same to the other.
 * Throws `E_CONFIG` when the mask has fewer.
 */
export function markBits(mask: number): MarkBits {
  const bits: number[] = [];
  for (let i = 0; i < 32 && bits.length < 4; i++) if (mask & (1 << i)) bits.push((1 << i) >>> 0);
  const [accept, pass, scratch0, scratch1] = bits;
  if (!accept || !pass || !scratch0 || !scratch1) {
    throw new CalicoError('E_CONFIG', `0x${(mask >>> 0).toString(16)}`, 'The mark mask has fewer than 4 bits', {
      hint: 'IptablesMarkMask needs at least four bits that nothing else on the host uses.',
    });
  }
  return { accept, pass, workload: scratch0, scratch0, scratch1 };
}

/** All bits of the named marks. */
export function maskOf(marks: readonly Mark[] | undefined, bits: MarkBits): number {
  return (marks ?? []).reduce((mask, mark) => (mask | bits[mark]) >>> 0, 0);
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
