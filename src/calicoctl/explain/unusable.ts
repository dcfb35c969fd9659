/** Resources on a packet's way that cannot be used as they are stored: something else, which denies, stands in for each. */
import { idKey, idText, type ResourceId, type Update } from '../../model/index.ts';
import { interviews } from './asked.ts';
import type { Hop } from './journey.ts';

export interface Unusable {
  readonly id: ResourceId;
  readonly reason: string;
}

/** The endpoints of the way, and the policies and profiles that they have. */
export function unusableOn(hops: readonly Hop[], updates: readonly Update[]): Unusable[] {
  const asked = hops.flatMap(interviews).flatMap(({ endpoint, answers }) => [endpoint, ...answers.map(({ id }) => id)]);
  const wanted = new Set(asked.map(idKey));
  return updates.flatMap(({ id, invalid }) =>
    invalid && wanted.has(idKey(id)) ? [{ id, reason: invalid.reason }] : [],
  );
}

export const unusableText = ({ id, reason }: Unusable): string =>
  `${idText(id)} cannot be used as it is stored, so that it is closed: ${reason}`;
