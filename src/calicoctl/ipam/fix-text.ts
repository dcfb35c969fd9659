/** Plans to mend what allocation keeps, for people. */
import type { FixPlan, FixStep } from '../../ipam/index.ts';
import { attributesText, problemText } from './findings.ts';

/** `steps` with their reasons, then what is left to people. */
export function planText({ steps, left }: FixPlan): string {
  const releases = steps.filter((step) => step.do === 'release').length;
  const lines = [
    '',
    `To be released: ${releases} addresses; other repairs: ${steps.length - releases}.`,
    ...steps.map((step) => `  ${stepText(step)}: ${step.why}`),
    `Left as they are: ${left.length}.`,
    ...left.map(({ problem, why }) => `  ${problemText(problem).replace(/\.$/, '')}: ${why}`),
  ];
  return `${lines.join('\n')}\n`;
}

export function stepText(step: FixStep): string {
  switch (step.do) {
    case 'release':
      return `release ${step.given.address} (${attributesText(step.given)})`;
    case 'recount':
      return `count again what the handle ${step.handle} has of ${step.blocks.join(', ')}`;
    case 'drop-affinity':
      return `drop the affinity of ${step.claimant.name} to ${step.block}`;
    case 'restore-affinity':
      return `restore the affinity of ${step.claimant.name} to ${step.block}`;
    case 'mend-block':
      return `mend the block ${step.block} in ${step.addresses.join(', ')}`;
  }
}
