/** A field that holds a duration, stored in its canonical spelling. */
import * as z from 'zod';
import { formatDuration, parseDuration } from './duration.ts';
import { omitted } from './fields.ts';

/** `least`: nanoseconds. */
export function duration(least = Number.NEGATIVE_INFINITY) {
  return omitted(
    z.string().transform((text, context) => {
      const parsed = parseDuration(text);
      if (parsed !== null && parsed >= least) return formatDuration(parsed);
      const message = parsed === null ? 'must be a duration with units, such as 90s or 1m30s' : 'must not be negative';
      context.addIssue({ code: 'custom', message, input: text });
      return z.NEVER;
    }),
  );
}
