/** Looking into a schema: the objects and lists behind what is optional, defaulted or transformed. */
import * as z from 'zod';

/** The object, list or record schema that a field comes down to; others as they are. */
export function inner(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return inner(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe) {
    const from = schema.in as z.ZodType;
    return inner((from instanceof z.ZodTransform ? schema.out : from) as z.ZodType);
  }
  return schema;
}

/** The fields of an object schema, in stored order. Empty for anything else. */
export function fieldsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  const object = inner(schema);
  return object instanceof z.ZodObject ? (object.shape as Record<string, z.ZodType>) : {};
}

/** The schema of the elements of a list. */
export function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const array = inner(schema);
  return array instanceof z.ZodArray ? (array.element as z.ZodType) : undefined;
}

/** Is the field an object that is written even when it is empty? */
export function isEmbedded(schema: z.ZodType): boolean {
  return schema instanceof z.ZodPrefault && inner(schema) instanceof z.ZodObject;
}

/** The schema of what a path leads to. */
export function at(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let here: z.ZodType | undefined = schema;
  for (const step of path) {
    if (!here) return undefined;
    here = typeof step === 'number' ? elementOf(here) : fieldsOf(here)[String(step)];
  }
  return here;
}
