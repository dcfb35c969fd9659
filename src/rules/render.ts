/**
 * Lowered chains as iptables-restore text. The text, and so the hash in each rule's comment, is the same as upstream's for
 * the same rule: after a change from one to the other, what is equal stays as it is.
 */
import type { Family } from '../net/index.ts';
import type { Action, Chain, Rule } from './chain.ts';
import { hex, type MarkBits, maskOf } from './marks.ts';
import { renderMatch } from './render-match.ts';
import { RuleHashes } from './rule-hash.ts';

export interface RenderOptions {
  readonly family: Family;
  readonly marks: MarkBits;
  /** The kernel knows `--random-fully` for MASQUERADE and SNAT. */
  readonly randomFully: boolean;
}

export interface RenderedRule {
  /** All of the rule after `-A <chain> `. */
  readonly text: string;
  /** Identifies the rule, its chain, and all rules ahead of it: 16 characters, also in the rule's `cali:` comment. */
  readonly hash: string;
}

export interface RenderedChain {
  readonly name: string;
  readonly rules: readonly RenderedRule[];
}

/** The kernel's limits, without the terminator. */
const MAX_COMMENT = 255;
const MAX_LOG_PREFIX = 29;

/** What the comment that makes a rule ours begins with. */
export const RULE_PREFIX = 'cali:';

export function renderChain(chain: Chain, options: RenderOptions): RenderedChain {
  return { name: chain.name, rules: renderRules(chain.name, chain.rules, options) };
}

/** Also for the rules that we put into the kernel's own chains. */
export function renderRules(chain: string, rules: readonly Rule[], options: RenderOptions): RenderedRule[] {
  const hashes = new RuleHashes(chain);
  return rules.map((rule) => {
    const body = renderRule(rule, options);
    const hash = hashes.next(body);
    return { text: `-m comment --comment "${RULE_PREFIX}${hash}" ${body}`, hash };
  });
}

/** The rule without its chain and without its hash. Throws a TypeError when it is not lowered. */
export function renderRule(rule: Rule, options: RenderOptions): string {
  const comment = rule.comment === undefined ? [] : [`-m comment --comment ${quote(commentText(rule.comment))}`];
  return [...comment, ...renderMatch(rule, options), renderAction(rule.action, options)].join(' ');
}

function renderAction(action: Action, options: RenderOptions): string {
  const random = options.randomFully ? ' --random-fully' : '';
  switch (action.type) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'notrack':
      return `--jump ${action.type.toUpperCase()}`;
    case 'reject':
      return `--jump REJECT${action.with ? ` --reject-with ${action.with}` : ''}`;
    case 'jump':
    case 'goto':
      return `--${action.type} ${action.chain}`;
    case 'log':
      return `--jump LOG --log-prefix ${quote(`${oneLine(action.prefix)}: `.slice(0, MAX_LOG_PREFIX))} --log-level 5`;
    case 'mark': {
      // Upstream writes `0` where bits are only cleared, and `0x0` where some are set to what happens to be zero.
      const set = maskOf(action.set, options.marks);
      const mask = hex((set | maskOf(action.clear, options.marks)) >>> 0);
      return `--jump MARK --set-mark ${action.set ? hex(set) : '0'}/${mask}`;
    }
    case 'masquerade':
      return `--jump MASQUERADE${action.ports ? ` --to-ports ${portSpan(action.ports)}` : ''}${random}`;
    case 'dnat':
      return `--jump DNAT --to-destination ${socket(action.to, action.port?.toString())}`;
    case 'snat':
      return `--jump SNAT --to-source ${socket(action.to, action.ports && portSpan(action.ports))}${random}`;
    case 'dscp':
      return `--jump DSCP --set-dscp ${action.value}`;
    case 'policy':
    case 'dispatch':
      throw new TypeError(`not lowered: ${action.type}`);
  }
}

function portSpan({ min, max }: { min: number; max: number }): string {
  return `${min}-${max}`;
}

function socket(address: string, port: string | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What could end the line, and so begin another command, and what the kernel would count as more than one byte. */
function oneLine(text: string): string {
  return text.replaceAll(/[^ -~]/g, '_');
}

/** Upstream's alphabet for comments: tiers have their names in them. */
function commentText(text: string): string {
  return text.replaceAll(/[^\w @%+=:,./-]/g, '_').slice(0, MAX_COMMENT);
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
