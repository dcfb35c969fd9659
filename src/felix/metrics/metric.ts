/** A metric: what it is called, what it means, and how its values are read when somebody asks. */
import type { Distribution } from '../distribution.ts';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly value: number;
  readonly labels?: Labels;
  /** Of the metric's name: `_sum`, `_count`, `_bucket`. */
  readonly suffix?: string;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'summary' | 'histogram';
  readonly read: () => Iterable<Sample>;
}

type Read = () => number | Iterable<Sample>;

export function gauge(name: string, help: string, read: Read): Metric {
  return { name, help, type: 'gauge', read: samples(read) };
}

export function counter(name: string, help: string, read: Read): Metric {
  return { name, help, type: 'counter', read: samples(read) };
}

/** In the unit of what was measured, times `scale`. */
export function summary(name: string, help: string, distribution: Distribution, scale = 1): Metric {
  const read = (): Sample[] => [
    ...[0.5, 0.9, 0.99].map((share) => ({
      labels: { quantile: share },
      value: distribution.quantile(share) * scale,
    })),
    { suffix: '_sum', value: distribution.sum * scale },
    { suffix: '_count', value: distribution.count },
  ];
  return { name, help, type: 'summary', read };
}

/** One sample a key. */
export function byLabel(label: string, counts: Iterable<readonly [string, number]>): Sample[] {
  return [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function samples(read: Read): () => Iterable<Sample> {
  return () => {
    const value = read();
    return typeof value === 'number' ? [{ value }] : value;
  };
}
