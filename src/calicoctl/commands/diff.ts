/** diff: the handler. */
import { Client } from '../../datastore/index.ts';
import { errorLines } from '../error-lines.ts';
import { ExitStatus } from '../exit-status.ts';
import type { Io } from '../io.ts';
import { shown, yaml } from '../output/structured.ts';
import { withClient } from '../session.ts';
import { nameOf, resourceOf } from '../staging/rehearsal.ts';
import { type Change, StagedStore } from '../staging/staged-store.ts';
import { unifiedDiff } from '../staging/unified-diff.ts';
import { APPLY, type FileOptions, resourcesOf, writeAll } from './write.ts';

/** Prints what `apply` would change. Ends with status 0 when that is nothing, 1 when it is something, 2 on an error. */
export async function diff(io: Io, options: FileOptions): Promise<void> {
  const changes = await find(io, options).catch((error) => {
    for (const line of errorLines(error)) io.err(`${line}\n`);
    throw new ExitStatus(2);
  });
  const colour = io.isTerminal?.out === true && !io.env.NO_COLOR;
  const lines = changes.flatMap(describe);
  for (const line of lines) io.out(`${colour ? coloured(line) : line}\n`);
  if (lines.length > 0) throw new ExitStatus(1);
}

async function find(io: Io, options: FileOptions): Promise<Change[]> {
  const resources = await resourcesOf(io, options);
  return withClient(io, options.config, async (client) => {
    const store = new StagedStore(client.store);
    const { errors } = await writeAll(io, new Client(store), resources, APPLY, options);
    if (errors.length > 0) throw new AggregateError(errors);
    return store.changes();
  });
}

/** Nothing, where only the order of fields changes. */
function describe(change: Change): string[] {
  const name = nameOf(change);
  const hunks = unifiedDiff(text(change.before?.value ?? null), text(change.after));
  if (hunks.length === 0) return [];
  return [
    `--- ${change.before ? `${name}, in the datastore` : '/dev/null'}`,
    `+++ ${change.after === null ? '/dev/null' : `${name}, applied`}`,
    ...hunks,
  ];
}

/** As YAML, without what says nothing about its meaning. */
function text(stored: string | null): string {
  const resource = resourceOf(stored);
  if (!resource) return stored ?? '';
  const { namespace } = resource.metadata;
  const { metadata, ...rest } = shown(resource, true) as { metadata: Record<string, unknown> };
  const { creationTimestamp: _, ...own } = metadata;
  return yaml({ ...rest, metadata: { ...own, ...(namespace && { namespace }) } });
}

function coloured(line: string): string {
  const colour = { '@': 36, '-': 31, '+': 32 }[line[0] ?? ''];
  const style = line.startsWith('--- ') || line.startsWith('+++ ') ? 1 : colour;
  return style === undefined ? line : `\u001b[${style}m${line}\u001b[0m`;
}
