/** label: the handler. */
import type { Resource } from '../../api/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { checkMayWrite } from '../allowed.ts';
import { askedKind } from '../asked-kind.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { checkNamespaced } from './get.ts';

export interface LabelOptions {
  readonly config?: string;
  readonly namespace?: string;
  readonly overwrite?: boolean;
  readonly remove?: boolean;
}

/** Sets `key=value`, or removes `key`. What it prints is upstream's, the kind as it was asked for. */
export async function label(io: Io, kind: string, name: string, text: string, options: LabelOptions): Promise<void> {
  const info = askedKind(kind);
  checkNamespaced(info, options.namespace);
  const change = options.remove ? { key: text, value: undefined } : parse(text);
  checkMayWrite(info.kind, name);
  const done = await withClient(io, options.config, async (client) => {
    const current = await client.get(info.kind, name, options.namespace);
    const { labels, done } = changed(current, change.key, change.value, options);
    await client.update({ ...current, metadata: { ...current.metadata, labels } });
    return done;
  });
  io.out(`Successfully ${done} label ${change.key} ${done === 'removed' ? 'from' : 'on'} ${kind} ${name}\n`);
}

function parse(text: string): { key: string; value: string } {
  const [key, value, ...more] = text.split('=');
  if (key && value !== undefined && more.length === 0) return { key, value };
  throw new CalicoError('E_USAGE', `label ${text}`, 'is not key=value', {
    hint: 'to remove a label, give its key and --remove',
  });
}

/** The resource's labels as they are to be. E_EXISTS, E_NOT_FOUND. */
function changed(
  { kind, metadata }: Resource,
  key: string,
  value: string | undefined,
  { overwrite }: LabelOptions,
): { labels: Record<string, string>; done: 'set' | 'updated' | 'removed' } {
  const labels = metadata.labels ?? {};
  const present = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const others = Object.fromEntries(Object.entries(labels).filter(([other]) => other !== key));
  const subject = `label ${key} of ${kind} ${metadata.name}`;
  if (value === undefined) {
    if (present === undefined) throw new CalicoError('E_NOT_FOUND', subject, 'does not exist');
    return { labels: others, done: 'removed' };
  }
  if (present !== undefined && present !== value && !overwrite)
    throw new CalicoError('E_EXISTS', subject, `exists already: its value is '${present}'`, {
      hint: '--overwrite replaces it',
    });
  return { labels: { ...others, [key]: value }, done: present === undefined ? 'set' : 'updated' };
}
