/**
 * How much each node of the graph has done since it was made. The cost of a change is asserted by these counts,
 * never by a clock.
 */
export interface Work {
  /** Evaluations of one selector against the labels of one endpoint or network set. */
  readonly labelsEvaluated: number;
  /** A policy entered or left the list of one local endpoint. */
  readonly policiesResolved: number;
  /** The list of policies of one local endpoint was put in order and told. */
  readonly endpointsResolved: number;
  /** Rules whose selectors and named ports were turned into sets. */
  readonly rulesScanned: number;
  /** A member was counted into or out of one set. */
  readonly membersTouched: number;
}

export type WorkCounters = { -readonly [K in Exclude<keyof Work, 'labelsEvaluated'>]: number };

export function newCounters(): WorkCounters {
  return { policiesResolved: 0, endpointsResolved: 0, rulesScanned: 0, membersTouched: 0 };
}
