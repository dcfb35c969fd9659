/** Packets: every recorded scenario gives the verdicts that upstream's Felix gave. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runApart } from '../scenario/apart.ts';

const ROOT = 'test/vectors/felix';
/** Those that say most of what a backend could get wrong: order, every match, hosts, both families with NAT. */
const OVER_NFT = ['policy-order', 'ports-and-protocols', 'host-endpoints', 'openstack'];

const names = readdirSync(ROOT, { withFileTypes: true })
  .filter((e) => e.isDirectory())
  .map((e) => e.name);

describe.concurrent('scenarios recorded from upstream', () => {
  for (const name of names)
    it(name, { timeout: 600_000 }, async () => {
      expect(await runApart(`${ROOT}/${name}`)).toBe(`${name}: 0 differences\n`);
    });
});

describe.concurrent('the same over nft', () => {
  for (const name of OVER_NFT)
    it(name, { timeout: 600_000 }, async () => {
      expect(await runApart(`${ROOT}/${name}`, 'nft')).toBe(`${name}: 0 differences\n`);
    });
});
