/** The long form of test/system/scenarios.test.ts: adds what is missing there, so that all run over both backends. */
import { describe, expect, it } from 'vitest';
import { runApart } from '../scenario/apart.ts';
import { RECORDINGS, recordings, TELLING } from '../scenario/recordings.ts';

/** Recorded with a host of each backend: the short form runs it so. */
const MIXED = 'foreign-rules';

const rest = [
  [MIXED, 'legacy'] as const,
  ...recordings.filter((name) => !TELLING.includes(name)).map((name) => [name, 'nft'] as const),
];

describe.concurrent('scenarios recorded from upstream, over the other iptables', () => {
  it.each(rest)('%s over %s', async (name, backend) => {
    expect(await runApart(`${RECORDINGS}/${name}`, backend)).toBe(`${name}: 0 differences\n`);
  });
});
