/** A reference to a key of a Kubernetes Secret. */
import * as z from 'zod';
import { flagOrUnset, item, struct, text } from './fields.ts';

export const secret = () =>
  struct({ secretKeyRef: z.strictObject({ name: text(), key: item(), optional: flagOrUnset() }).optional() });
