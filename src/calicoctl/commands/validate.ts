/** validate: the handler. Asks no datastore. */
import { CalicoError } from '../../errors/index.ts';
import { type ReadOptions, readResources } from '../documents.ts';
import type { Io } from '../io.ts';
import { forEach, summary } from '../outcome.ts';

export interface ValidateOptions extends ReadOptions {
  readonly filename: string;
  readonly skipEmpty?: boolean;
}

export async function validateFile(io: Io, options: ValidateOptions): Promise<void> {
  const resources = await readResources(io, options.filename, options);
  if (resources.length === 0) {
    if (options.skipEmpty) return;
    throw new CalicoError('E_FILE', options.filename, 'has no resources in it');
  }
  io.out(summary(await forEach(resources, async () => undefined), 'validated'));
}
