/** patch: the handler. */
import type { Resource } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { checkMayWrite } from '../allowed.ts';
import { askedKind } from '../asked-kind.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { merge } from './merge.ts';

export interface PatchOptions {
  readonly patch: string;
  readonly config?: string;
  readonly namespace?: string;
  readonly force?: boolean;
}

/** Merges a JSON object into the resource, in the same way whatever `--type` says, as upstream does. */
export async function patch(io: Io, kind: string, name: string, options: PatchOptions): Promise<void> {
  const info = askedKind(kind);
  const change = parsePatch(options.patch);
  checkMayWrite(info.kind, name);
  const work = async (client: Client) => {
    const current = await client.get(info.kind, name, options.namespace);
    await client.update(merge(current, change) as Resource);
  };
  await withClient(io, options.config, async (client) => {
    if (!options.force) await (await import('../reach.ts')).checkReach(io, client, [info.kind], work);
    await work(client);
  });
  io.out(`Successfully patched 1 '${info.kind}' resource\n`);
}

function parsePatch(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, with what was expected.
  }
  throw new CalicoError('E_USAGE', '--patch', 'is not a JSON object', { hint: `such as '{"spec":{"disabled":true}}'` });
}
