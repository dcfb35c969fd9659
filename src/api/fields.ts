/**
 * How a field of a resource reads and is written. Upstream's stored JSON leaves zero values of plain fields out and
 * keeps them where a field can tell "not set" from zero; the two spellings here are `flag` and `flagOrUnset`, and so on.
 * As in upstream's YAML reader, a scalar given where text is wanted is taken as text (`label: true` is "true").
 */
import * as z from 'zod';

/** A check of one value: the problem in words, or null. */
export type Check<T = string> = (value: T) => string | null;

/** A string; absent when empty. */
export function text(check?: Check) {
  return omitted(string(check), isEmpty);
}

/** An element of a list, or a value of a map: text that may be empty, never absent. */
export function item(check?: Check) {
  return z.preprocess((value) => asText(value ?? ''), refined(z.string(), check));
}

/** One of a few words; absent when empty. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return omitted(z.enum(words), isEmpty);
}

/** A boolean; absent when false. */
export function flag() {
  return omitted(z.boolean(), (value) => value === false);
}

/** A boolean that tells false from unset. */
export function flagOrUnset() {
  return omitted(z.boolean());
}

/** A boolean that is always written. */
export function flagAlways() {
  return orElse(flagOrUnset(), false);
}

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** An integer; absent when zero. */
export function int(bounds: Bounds = {}) {
  return omitted(integer(bounds), (value) => value === 0);
}

/** An integer that tells zero from unset. */
export function intOrUnset(bounds: Bounds = {}) {
  return omitted(integer(bounds));
}

/** A number that tells zero from unset. */
export function numberOrUnset() {
  return omitted(z.number());
}

export function integer({ min, max }: Bounds = {}) {
  let schema = z.int();
  if (min !== undefined) schema = schema.min(min);
  if (max !== undefined) schema = schema.max(max);
  return schema;
}

/** A list; absent when empty. */
export function list<T extends z.ZodType>(element: T) {
  return omitted(z.array(element), (value) => Array.isArray(value) && value.length === 0);
}

/** A list that tells empty from unset. */
export function listOrUnset<T extends z.ZodType>(element: T) {
  return omitted(z.array(element));
}

/** Names to texts; absent when empty. */
export function map(check?: Check<Record<string, string>>) {
  return omitted(refined(z.record(z.string(), item()), check), isEmptyObject);
}

/** An object that may be left out, and is kept when it is empty. */
export function struct<T extends z.core.$ZodLooseShape>(shape: T) {
  return omitted(z.strictObject(shape));
}

/** An object that is always written, `{}` at least. */
export function embedded<T extends z.ZodType>(object: T) {
  return z.preprocess((value) => value ?? {}, object).prefault({});
}

/** Absent when null or when `drop` says so. */
export function omitted<T extends z.ZodType>(schema: T, drop: (value: unknown) => boolean = () => false) {
  return z.preprocess((value) => (value === null || drop(value) ? undefined : value), schema.optional()).optional();
}

/** The field with a default: always written. */
export function orElse<T extends z.ZodType, const D extends z.output<T> & {}>(field: T, fallback: D) {
  return field.transform((value) => (value ?? fallback) as NonNullable<z.output<T>>).prefault(fallback as never);
}

/** The schema with a check added; its message becomes the problem's. */
export function refined<T extends z.ZodType>(schema: T, check: Check<z.output<T>> | undefined): T {
  if (!check) return schema;
  return schema.superRefine((value, context) => {
    const problem = check(value);
    if (problem) context.addIssue({ code: 'custom', message: problem, input: value });
  });
}

function string(check?: Check) {
  return z.preprocess(asText, refined(z.string(), check));
}

function asText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

function isEmpty(value: unknown): boolean {
  return value === '';
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
