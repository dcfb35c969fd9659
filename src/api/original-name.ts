/** Where newer versions keep the name that people gave a policy: in an annotation, which people are not shown. */
import type { Metadata } from './metadata.ts';

const ANNOTATION = 'projectcalico.org/metadata';

export function originalName(annotations: Metadata['annotations']): string | undefined {
  const text = annotations?.[ANNOTATION];
  if (text === undefined) return undefined;
  try {
    const { name } = JSON.parse(text);
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

export function keepOriginalName(metadata: Metadata): void {
  metadata.annotations = { ...metadata.annotations, [ANNOTATION]: JSON.stringify({ name: metadata.name }) };
}

/** The metadata as people see it. */
export function withoutOriginalName({ annotations, ...metadata }: Metadata): Metadata {
  const { [ANNOTATION]: _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others };
}
