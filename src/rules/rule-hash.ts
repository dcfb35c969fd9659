/** The hashes that identify rules: each covers its chain's name, the rule, and all rules ahead of it. */
import { hash } from 'node:crypto';

const DIGEST_BYTES = 28;
/** 16 characters in base64url. */
const SHOWN_BYTES = 12;

/** Grows to the longest rule. One for all: a hash object for every rule costs more than its hash. */
let buffer = Buffer.allocUnsafe(1024);

export class RuleHashes {
  readonly #append: string;
  /** Bytes as characters. */
  #previous: string;

  constructor(chain: string) {
    this.#append = `-A ${chain} HASH `;
    this.#previous = hash('sha224', chain, 'latin1');
  }

  /** The hash of the chain's next rule, given its text. */
  next(rule: string): string {
    const text = this.#append + rule;
    if (DIGEST_BYTES + 3 * text.length > buffer.length)
      buffer = Buffer.allocUnsafe(2 * (DIGEST_BYTES + 3 * text.length));
    buffer.write(this.#previous, 'latin1');
    const end = DIGEST_BYTES + buffer.write(text, DIGEST_BYTES, 'utf8');
    this.#previous = hash('sha224', buffer.subarray(0, end), 'latin1');
    buffer.write(this.#previous, 'latin1');
    return buffer.toString('base64url', 0, SHOWN_BYTES);
  }
}
