/** What every syncer reports though nobody stored it. */
import type { Update } from '../../model/index.ts';
import { unconditional } from './rules.ts';

const ALLOW = unconditional('allow');
const id = { kind: 'Profile', name: 'projectcalico-default-allow' } as const;

/** The profile that host endpoints made by controllers have. */
export const BUILT_IN: readonly Update[] = [
  { id, value: { id, labelsToApply: {}, ingress: [ALLOW], egress: [ALLOW] } },
];
