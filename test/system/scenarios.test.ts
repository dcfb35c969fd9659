/**
 * Packets: every recorded scenario gives the verdicts that upstream's Felix gave, and ours, of settings that no recording
 * has, those that were written down. test/long/ has all over the other backend.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runApart } from '../scenario/apart.ts';
import { RECORDINGS, recordings, TELLING } from '../scenario/recordings.ts';

const OWN = 'test/scenarios-own';

describe.concurrent('scenarios recorded from upstream', () => {
  it.each(recordings)('%s', { timeout: 600_000 }, async (name) => {
    expect(await runApart(`${RECORDINGS}/${name}`)).toBe(`${name}: 0 differences\n`);
  });
});

describe.concurrent('the same over nft', () => {
  it.each(TELLING)('%s', { timeout: 600_000 }, async (name) => {
    expect(await runApart(`${RECORDINGS}/${name}`, 'nft')).toBe(`${name}: 0 differences\n`);
  });
});

describe.concurrent.each(['legacy', 'nft'] as const)('our own scenarios over %s', (backend) => {
  it.each(readdirSync(OWN))('%s', { timeout: 600_000 }, async (name) => {
    expect(await runApart(`${OWN}/${name}`, backend)).toBe(`${name}: 0 differences\n`);
  });
});
