/** Errors for people and scripts: a stable code, what it is about, what is wrong, and what to do. */
import type { ErrorCode } from './codes.ts';

export type { ErrorCode } from './codes.ts';
export { CODES } from './codes.ts';

export class CalicoError extends Error {
  readonly code: ErrorCode;
  /** What it is about: a resource, file, field or address. */
  readonly subject: string;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, subject: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CalicoError';
    this.code = code;
    this.subject = subject;
    this.hint = options.hint;
  }

  /** `CODE subject: message (hint)`, on one line. */
  override toString(): string {
    return `${this.code} ${this.subject}: ${this.message}${this.hint ? ` (${this.hint})` : ''}`;
  }
}
