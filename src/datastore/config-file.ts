/** The datastore client's settings in a file such as /etc/calico/calicoctl.cfg. */
import { parse } from 'yaml';
import { CalicoError } from '../errors/index.ts';
import { type DatastoreConfig, DEFAULT_DATASTORE_CONFIG } from './config.ts';

/** Of every field. Those that upstream does not have at all, or only in newer versions, have no default. */
const TYPES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(DEFAULT_DATASTORE_CONFIG).map(([field, value]) => [field, typeof value])),
  manifests: 'string',
  k8sClientBurst: 'number',
  k8sCurrentContext: 'string',
  calicoAPIGroup: 'string',
};

/**
 * The settings in a file's text. The environment is not looked at then, as upstream does it.
 * Errors: E_FILE (not YAML, not a CalicoAPIConfig, an unknown field), E_CONFIG (a value of the wrong type).
 */
export function configFromFile(text: string): DatastoreConfig {
  const document = parseDocument(text);
  const { apiVersion, kind, spec } = document;
  if (apiVersion !== 'projectcalico.org/v3') throw fileError(`apiVersion is '${apiVersion ?? ''}'`);
  if (kind !== 'CalicoAPIConfig') throw fileError(`kind is '${kind ?? ''}'`);
  const values = (spec ?? {}) as Record<string, unknown>;
  for (const [field, value] of Object.entries(values)) {
    const expected = TYPES[field];
    if (!expected) throw fileError(`spec.${field} is no field`);
    if (value !== null && typeof value !== expected) {
      throw new CalicoError('E_CONFIG', `spec.${field}`, `is no ${expected}: ${JSON.stringify(value)}`);
    }
  }
  const set = Object.entries(values).filter(([, value]) => value !== null);
  return { ...DEFAULT_DATASTORE_CONFIG, ...(Object.fromEntries(set) as Partial<DatastoreConfig>) };
}

function parseDocument(text: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new CalicoError('E_FILE', 'datastore configuration', (cause as Error).message.split('\n')[0] ?? 'not YAML', {
      cause,
    });
  }
  return document !== null && typeof document === 'object' ? (document as Record<string, unknown>) : {};
}

function fileError(message: string): CalicoError {
  return new CalicoError('E_FILE', 'datastore configuration', message, {
    hint: 'a file of apiVersion projectcalico.org/v3, kind CalicoAPIConfig is expected',
  });
}
