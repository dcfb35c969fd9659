/** Short forms for the rules that compilation writes. */
import type { Action, Mark, Match, Rule } from './chain.ts';
import type { DenyAction } from './config.ts';
import type { Origin } from './origin.ts';

export const PLUMBING: Origin = { type: 'plumbing' };

export function rule(match: Match, action: Action, origin: Origin = PLUMBING, comment?: string): Rule {
  return comment === undefined ? { match, action, origin } : { match, action, origin, comment };
}

export const jump = (chain: string): Action => ({ type: 'jump', chain });
export const goTo = (chain: string): Action => ({ type: 'goto', chain });
export const setMark = (...set: Mark[]): Action => ({ type: 'mark', set });
export const clearMark = (...clear: Mark[]): Action => ({ type: 'mark', clear });
export const deny = (how: DenyAction): Action => ({ type: how });
export const DROP: Action = { type: 'drop' };
export const ACCEPT: Action = { type: 'accept' };
export const RETURN: Action = { type: 'return' };
