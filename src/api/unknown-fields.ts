/**
 * Fields that no schema knows: an error in what people write, but not where the datastore holds them already. A newer
 * version put them there, and whoever changes another field of the resource keeps them.
 */
import * as z from 'zod';
import { toJson } from './json.ts';
import { elementOf, fieldsOf, inner } from './shape.ts';

type Path = readonly (string | number)[];

export interface SetAside {
  /** The input without the fields that were set aside. */
  readonly input: unknown;
  readonly fields: readonly { readonly path: Path; readonly value: unknown }[];
}

/** Takes out what the schema does not know and `current` has with the same value. */
export function setAside(input: unknown, current: unknown, schema: z.ZodType): SetAside {
  const fields: { path: Path; value: unknown }[] = [];
  const walk = (value: unknown, held: unknown, known: z.ZodType, path: Path): unknown => {
    if (Array.isArray(value)) {
      const element = elementOf(known);
      if (!element || !Array.isArray(held)) return value;
      return value.map((member, index) => walk(member, held[index], element, [...path, index]));
    }
    if (!isObject(value) || !isObject(held) || !(inner(known) instanceof z.ZodObject)) return value;
    const shape = fieldsOf(known);
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, field]) => {
        const inside = Object.hasOwn(shape, name) ? shape[name] : undefined;
        if (inside) return [[name, walk(field, held[name], inside, [...path, name])]];
        if (!Object.hasOwn(held, name) || toJson(field) !== toJson(held[name])) return [[name, field]];
        fields.push({ path: [...path, name], value: field });
        return [];
      }),
    );
  };
  return { input: walk(input, current, schema, []), fields };
}

/** Puts them back where they were, as far as what held them is still there. */
export function putBack(resource: unknown, fields: SetAside['fields']): void {
  for (const { path, value } of fields) {
    const holder = path
      .slice(0, -1)
      .reduce<unknown>((here, step) => (here as Record<string, unknown>)?.[step], resource);
    if (isObject(holder)) holder[path.at(-1) as string] = value;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
