/** convert: the handler. Asks no datastore. */
import { type Resource, validate } from '../../api/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { convertObject } from '../convert/convert.ts';
import { mapObjects, readObjects } from '../documents.ts';
import type { Io } from '../io.ts';
import { json, shown, yaml } from '../output/structured.ts';

export interface ConvertOptions {
  readonly filename: string;
  readonly recursive?: boolean;
  readonly output: string;
  readonly ignoreValidation?: boolean;
  readonly skipEmpty?: boolean;
}

/** Prints what the file's resources are in the v3 API: one by itself, several as a list. */
export async function convert(io: Io, options: ConvertOptions): Promise<void> {
  const write = { yaml, yml: yaml, json }[options.output];
  if (!write)
    throw new CalicoError('E_USAGE', '--output', `'${options.output}' is not an output format`, {
      hint: 'yaml or json',
    });
  const objects = await readObjects(io, options.filename, options.recursive ?? false);
  if (objects.length === 0) {
    if (options.skipEmpty) return;
    throw new CalicoError('E_FILE', options.filename, 'has no resources in it');
  }
  const resources = mapObjects(objects, (object) => {
    const resource = convertObject(object);
    if (!options.ignoreValidation) validate(structuredClone(resource));
    return resource;
  });
  const items = resources.map(converted);
  io.out(write(items.length === 1 ? items[0] : items));
}

/** Without what belongs to a cluster, as upstream prints it; a policy is nothing without its namespace. */
function converted(resource: Resource): unknown {
  const { namespace } = resource.kind === 'NetworkPolicy' ? resource.metadata : {};
  const { metadata, ...rest } = shown(resource, true);
  return { ...rest, metadata: { ...(metadata as object), ...(namespace && { namespace }) } };
}
