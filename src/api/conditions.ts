/** Conditions in a status, as Kubernetes has them. */
import * as z from 'zod';
import { intOrUnset, item, list, text } from './fields.ts';

export const conditions = () =>
  list(
    z.strictObject({
      type: item(),
      status: z.enum(['True', 'False', 'Unknown']),
      observedGeneration: intOrUnset({ min: 0 }),
      lastTransitionTime: text(),
      reason: item(),
      message: item(),
    }),
  );
