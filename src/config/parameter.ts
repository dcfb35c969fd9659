import type { ParameterType } from './parameter-type.ts';

/**
 * - `fatal`: an invalid value ends the start instead of leaving the default in force
 * - `local`: never read from the datastore
 * - `must exist`: the path of a file that has to be there
 */
export type Flag = 'fatal' | 'local' | 'must exist';

export interface Parameter<V = unknown> {
  readonly type: ParameterType<V, V>;
  /** Raw; empty: the type's zero value. */
  readonly default: string;
  /** Whether `none` may set the zero value. */
  readonly allowsNone: boolean;
  readonly flags: ReadonlySet<Flag>;
}

export function parameter<T, Z>(type: ParameterType<T, Z>, byDefault: string, ...flags: Flag[]): Parameter<T | Z> {
  return { type, default: byDefault, allowsNone: true, flags: new Set(flags) };
}

/** A parameter that always has a value: `none` is refused. */
export function required<T, Z>(type: ParameterType<T, Z>, byDefault: string, ...flags: Flag[]): Parameter<T> {
  return { type: type as ParameterType<T, never>, default: byDefault, allowsNone: false, flags: new Set(flags) };
}
