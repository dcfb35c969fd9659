/**
 * Our Felix starts where upstream's was: on a host whose kernel holds what upstream's Felix was recorded to leave.
 * Meanwhile packets pass: of what is allowed all arrive, of what is denied none. Afterwards what is stale is gone, what is
 * others' is as it was, and upstream's Felix could take over again.
 */
import { describe, expect, it } from 'vitest';
import { takeOver } from '../scenario/take-over.ts';

describe("our Felix takes over from upstream's", () => {
  it.each([
    ['host-endpoints', undefined],
    ['openstack', undefined],
    ['foreign-rules', undefined],
    ['profiles-and-labels', 'nft'],
  ] as const)('%s %s', async (name, backend) => {
    const { sent, ...found } = await takeOver(`test/vectors/felix/${name}`, `t${process.pid % 10000}-`, backend);
    expect(sent).toBeGreaterThan(200);
    expect(found).toEqual({ wrong: [], differences: [] });
  });
});
