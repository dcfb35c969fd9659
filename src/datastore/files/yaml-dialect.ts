/** How the texts of resources are read. */
import type { Tags } from 'yaml';

/** A number with an exponent: the library takes `e1` for one, too, which is the name of an interface. */
const EXPONENT = /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)[eE][-+]?[0-9]+$/;

/**
 * YAML 1.1 as upstream's parser has it: `y` and `on` are booleans and `010` is 8, but times are text, and there are no
 * numbers of base 60 (a port range such as 20:30 would be one).
 */
export const YAML_DIALECT = {
  version: '1.1' as const,
  logLevel: 'error' as const, // what is wrong is told by whoever reads, not by the library on standard error
  customTags: (tags: Tags) =>
    tags.flatMap((tag): Tags => {
      if (typeof tag === 'string') return [tag];
      const format = 'format' in tag ? tag.format : undefined;
      if (tag.tag.endsWith(':timestamp') || format === 'TIME') return [];
      return format === 'EXP' ? [{ ...tag, test: EXPONENT } as typeof tag] : [tag];
    }),
};
