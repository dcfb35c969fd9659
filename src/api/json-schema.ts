/** JSON Schema of a kind's resources, made from its schema: for editors, and for the CRDs of Kubernetes. */
import * as z from 'zod';
import { elementOf, fieldsOf, inner } from './shape.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What people may write. Checks that JSON Schema has no words for (selectors, prefixes) are left out. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  const type = inner(schema);
  const fallback = defaultOf(schema);
  return { ...shapeOf(type), ...(fallback === undefined ? {} : { default: fallback }) };
}

function shapeOf(type: z.ZodType): JsonSchema {
  if (type instanceof z.ZodObject) return objectOf(type);
  const element = elementOf(type);
  if (element) return { type: 'array', items: jsonSchema(element) };
  if (type instanceof z.ZodRecord)
    return { type: 'object', additionalProperties: jsonSchema(type.valueType as z.ZodType) };
  if (type instanceof z.ZodUnion) return { anyOf: type.options.map((option) => jsonSchema(option as z.ZodType)) };
  if (type instanceof z.ZodNullable) return { anyOf: [jsonSchema(type.unwrap() as z.ZodType), { type: 'null' }] };
  const { $schema: _, ...leaf } = z.toJSONSchema(type, { unrepresentable: 'any', io: 'input' }) as Record<
    string,
    unknown
  >;
  return withoutSafeBounds(leaf);
}

function objectOf(type: z.ZodObject): JsonSchema {
  const fields = Object.entries(fieldsOf(type)).filter(([, field]) => !(inner(field) instanceof z.ZodNever));
  const required = fields.filter(([, field]) => field._zod.optin === undefined).map(([name]) => name);
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(fields.map(([name, field]) => [name, jsonSchema(field)])),
    additionalProperties: false,
  };
}

function defaultOf(schema: z.ZodType): unknown {
  const value = schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  return typeof value === 'object' || value === '' ? undefined : value;
}

/** That an integer is one that a program can hold needs no saying. */
function withoutSafeBounds({ minimum, maximum, ...leaf }: Record<string, unknown>): JsonSchema {
  return {
    ...leaf,
    ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
  };
}
