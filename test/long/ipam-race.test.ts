/** 20 processes race for a /26 and a /28 while some are killed: no address twice, none lost. 20 rounds. */
import { afterAll, beforeAll, test } from 'vitest';
import { Etcd, ready } from '../system/datastore-etcd.ts';
import { buildRacer, race } from '../system/ipam-race.ts';

const etcd = new Etcd();
let racer: string;
beforeAll(async () => {
  await etcd.start();
  await ready(etcd);
  racer = buildRacer(etcd.directory);
});
afterAll(() => etcd.remove());

test.each(Array.from({ length: 20 }, (_, i) => i))('round %i', (round) => race(etcd, racer, round));
