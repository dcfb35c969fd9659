/** Label selectors: parse, normalise, evaluate, and match against many items as either changes. */
export { LabelIndex } from './label-index.ts';
export type { Restriction } from './restrictions.ts';
export { parseSelector, type Selector } from './selector.ts';
export { uniqueId } from './unique-id.ts';
