import { createHash } from 'node:crypto';

/**
 * The id of a piece of content: `<prefix>:` and 38 characters of URL-safe base64 (SHA-224 of `<prefix>:<content>`).
 *
 * IP sets are named by it: `s` over a selector's canonical text, and `n` over `<uid of the selector>,<protocol>,<port name>`.
 */
export function uniqueId(prefix: string, content: string): string {
  return `${prefix}:${createHash('sha224').update(`${prefix}:${content}`).digest('base64url')}`;
}
