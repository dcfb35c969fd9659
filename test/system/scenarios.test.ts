/** Packets: every recorded scenario gives the verdicts that upstream's Felix gave. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runScenario } from '../scenario/run.ts';

const ROOT = 'test/vectors/felix';
/** Scenarios that need what another issue brings. */
const WAITING: Record<string, string> = {
  'vxlan-always': 'VXLAN devices, routes, FDB (issue 5)',
};

describe('scenarios recorded from upstream', () => {
  const names = readdirSync(ROOT, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name);
  for (const name of names)
    it.skipIf(name in WAITING)(
      name,
      async () => {
        expect(await runScenario(`${ROOT}/${name}`, `sc${process.pid % 10000}-`)).toEqual([]);
      },
      600_000,
    );
});
