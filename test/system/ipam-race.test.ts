/** 20 processes race for a /26 and a /28 while some are killed: no address twice, none lost. test/long has more rounds. */
import { afterAll, beforeAll, test } from 'vitest';
import { Etcd, ready } from './datastore-etcd.ts';
import { buildRacer, race } from './ipam-race.ts';

const etcd = new Etcd();
let racer: string;
beforeAll(async () => {
  await etcd.start();
  await ready(etcd);
  racer = buildRacer(etcd.directory);
});
afterAll(() => etcd.remove());

test.each([0, 1, 2])('round %i', (round) => race(etcd, racer, round));
