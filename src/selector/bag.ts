/**
 * A set that is mostly empty or holds one element, which then costs nothing beyond the reference.
 * The functions return the new bag. T must not be a Set.
 */
export type Bag<T extends object> = T | Set<T> | undefined;

export function addTo<T extends object>(bag: Bag<T>, element: T): Bag<T> {
  if (bag === undefined || bag === element) return element;
  return bag instanceof Set ? bag.add(element) : new Set([bag, element]);
}

export function removeFrom<T extends object>(bag: Bag<T>, element: T): Bag<T> {
  if (!(bag instanceof Set)) return bag === element ? undefined : bag;
  bag.delete(element);
  if (bag.size > 1) return bag;
  const [last] = bag;
  return last;
}

export function elementsOf<T extends object>(bag: Bag<T>): Iterable<T> {
  if (bag === undefined) return NOTHING;
  return bag instanceof Set ? bag : [bag];
}

export function sizeOf<T extends object>(bag: Bag<T>): number {
  if (bag === undefined) return 0;
  return bag instanceof Set ? bag.size : 1;
}

const NOTHING: readonly never[] = [];
