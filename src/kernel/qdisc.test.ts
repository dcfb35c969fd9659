import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageWriter, messages } from './message.ts';
import { decodeQdisc, encodeTokenBucketReplace, sameBucket, type TokenBucket } from './qdisc.ts';
import { RTM_NEWQDISC } from './rtnetlink.ts';

const U32 = 2n ** 32n;

/** How long so many bytes take at a rate, in ns, with the kernel's reciprocal of 32 bits (net/sched/sch_generic.c says how). */
function nanoseconds(bytes: number, rate: number): bigint {
  let factor = 1_000_000_000n;
  let shift = 0n;
  for (; ; factor <<= 1n, shift++) {
    const mult = factor / BigInt(rate);
    if (mult & 0x80000000n || factor & (1n << 63n)) return (BigInt(bytes) * mult) >> shift;
  }
}

const ticks = (bytes: number, rate: number): number =>
  rate === 0 ? 0 : Number((nanoseconds(bytes, rate) >> 6n) % U32);

/** What Linux tells of a bucket that was set. */
function asTold(bucket: TokenBucket): TokenBucket | null | undefined {
  const spec = (rate: number) => [0, 0, Math.min(rate, 0xffffffff)];
  const words = new Uint32Array([
    ...spec(bucket.rate),
    ...spec(bucket.peakRate),
    bucket.limit,
    ticks(bucket.burst, bucket.rate),
    ticks(bucket.peakBurst, bucket.peakRate),
  ]);
  const w = new MessageWriter();
  w.begin(RTM_NEWQDISC, 0);
  for (const word of [0, 7, 0x10000, 0xffffffff, 0]) w.u32(word);
  w.attributeText(1, 'tbf');
  const options = w.open(2);
  w.attribute(1, new Uint8Array(words.buffer));
  const wide = (rate: number) => new Uint8Array(new BigUint64Array([BigInt(rate)]).buffer);
  if (bucket.rate > 0xffffffff) w.attribute(4, wide(bucket.rate));
  if (bucket.peakRate > 0xffffffff) w.attribute(5, wide(bucket.peakRate));
  w.close(options);
  w.end();
  const [message] = [...messages(Buffer.from(w.bytes()))];
  return message && decodeQdisc(message)?.bucket;
}

const rate = fc.integer({ min: 125, max: 125e12 });
const burst = fc.integer({ min: 1514, max: 0xffffffff });
const buckets = fc
  .record({ rate, burst, limit: fc.integer({ min: 1, max: 0xffffffff }), faster: fc.option(rate), peakBurst: burst })
  .map(
    ({ faster, peakBurst, ...bucket }): TokenBucket => ({
      ...bucket,
      peakRate: faster === null ? 0 : bucket.rate + faster,
      peakBurst: faster === null ? 0 : peakBurst,
    }),
  );

test('a bucket is known again by what the kernel tells of it', () => {
  fc.assert(
    fc.property(buckets, (bucket) => sameBucket(bucket, asTold(bucket) as TokenBucket)),
    { numRuns: 500 },
  );
});

test('and told from one that is a little different', () => {
  const bucket = { rate: 125_000, burst: 10_000, limit: 13_125, peakRate: 250_000, peakBurst: 1514 };
  const told = asTold(bucket) as TokenBucket;
  for (const other of [
    { rate: 125_001 },
    { burst: 10_001 },
    { limit: 13_126 },
    { peakRate: 250_001 },
    { peakRate: 0, peakBurst: 0 },
    { peakBurst: 1515 },
  ])
    expect(sameBucket({ ...bucket, ...other }, told), JSON.stringify(other)).toBe(false);
});

test('what is asked for is whole', () => {
  const w = new MessageWriter();
  encodeTokenBucketReplace(w, { link: 7, rate: 5e9, burst: 2 ** 29, limit: 131_072, peakRate: 6e9, peakBurst: 9014 });
  const [message] = [...messages(Buffer.from(w.bytes()))];
  expect(message && decodeQdisc(message)).toMatchObject({
    link: 7,
    at: 'root',
    kind: 'tbf',
    bucket: { rate: 5e9, limit: 131_072, peakRate: 6e9 },
  });
});
