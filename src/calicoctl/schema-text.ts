/** What a kind's schema says of its fields, in words: for people who write one. */
import * as z from 'zod';
import { elementOf, fieldsOf, inner } from '../api/shape.ts';

/** A field as a line of a table. */
export interface FieldText {
  readonly name: string;
  readonly type: string;
  /** Whether it must be given, its default, its form. Empty where there is nothing to say. */
  readonly about: string;
}

/** No field of any kind may hold it: what the schema says about it is what the field expects. */
const IMPOSSIBLE = '\u0000 ';

/** The fields below it, those of a list's elements. */
export function fieldsBelow(schema: z.ZodType): FieldText[] {
  const element = elementOf(schema);
  if (element) return fieldsBelow(element);
  return Object.entries(fieldsOf(schema)).flatMap(([name, field]) =>
    isOnlyTolerated(field) ? [] : [{ name, type: typeOf(field), about: aboutField(field) }],
  );
}

export function typeOf(schema: z.ZodType): string {
  const type = inner(schema);
  const element = elementOf(type);
  if (element) return `list of ${plural(typeOf(element))}`;
  if (type instanceof z.ZodRecord) return 'map of texts';
  if (type instanceof z.ZodObject) return 'object';
  if (type instanceof z.ZodUnion) return [...new Set((type.options as z.ZodType[]).map(typeOf))].join(' or ');
  if (type instanceof z.ZodNumber) return numberType(type);
  if (type instanceof z.ZodBoolean) return 'true or false';
  if (type instanceof z.ZodEnum || type instanceof z.ZodLiteral) return 'word';
  return type instanceof z.ZodString ? 'text' : 'any value';
}

/** Whether it must be given, what it is when it is not, and what form it takes. */
export function aboutField(schema: z.ZodType): string {
  const said = [
    schema._zod.optin === undefined && typeOf(schema) !== 'object' ? 'required' : '',
    defaultOf(schema),
    formOf(elementOf(schema) ?? schema),
  ];
  return said.filter((text) => text !== '').join('; ');
}

function formOf(schema: z.ZodType): string {
  const type = inner(schema);
  const words = type instanceof z.ZodEnum ? type.options : type instanceof z.ZodLiteral ? [...type.values] : [];
  if (words.length > 0) return words.filter((word) => word !== '').join(', ');
  if (!(type instanceof z.ZodString || type instanceof z.ZodUnion)) return '';
  const result = schema.safeParse(IMPOSSIBLE);
  if (result.success) return '';
  const messages = result.error.issues.filter(({ code }) => code === 'custom').map(({ message }) => message);
  // A parser says where it stopped, which is nothing to tell of the impossible.
  return [
    ...new Set(messages.map((message) => (message.includes('found') ? message.replace(/:.*/s, '') : message))),
  ].join('; ');
}

function defaultOf(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodPrefault)) return '';
  const value: unknown = schema.def.defaultValue;
  return value === undefined || value === '' || typeof value === 'object' ? '' : `default ${String(value)}`;
}

/** Kubernetes' fields of metadata, which are read and left out. */
function isOnlyTolerated(schema: z.ZodType): boolean {
  return inner(elementOf(schema) ?? schema) instanceof z.ZodUnknown;
}

function numberType(type: z.ZodNumber): string {
  const { isInt, minValue, maxValue } = type;
  const [min, max] = [minValue, maxValue].map((bound) =>
    Number.isSafeInteger(bound) && Math.abs(bound ?? 0) < 2 ** 53 - 1 ? bound : null,
  );
  const name = isInt ? 'whole number' : 'number';
  if (min !== null && max !== null) return `${name} from ${min} to ${max}`;
  return min !== null ? `${name} from ${min}` : name;
}

function plural(type: string): string {
  return /^(object|text|word|number|whole number)$/.test(type) ? `${type}s` : type;
}
