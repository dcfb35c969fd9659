/** A field that holds a duration, stored in its canonical spelling. */
import * as z from 'zod';
import { formatDuration, parseDuration } from './duration.ts';
import { omitted } from './fields.ts';

export function duration() {
  return omitted(
    z.string().transform((text, context) => {
      const parsed = parseDuration(text);
      if (parsed !== null) return formatDuration(parsed);
      context.addIssue({ code: 'custom', message: 'must be a duration with units, such as 90s or 1m30s', input: text });
      return z.NEVER;
    }),
  );
}
