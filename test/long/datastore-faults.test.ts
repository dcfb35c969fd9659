/** The long form of test/system/datastore-faults.test.ts: half a minute of silence, with the deadlines that Felix has. */
import { expect, test } from 'vitest';
import { Etcd, ready } from '../system/datastore-etcd.ts';
import { blackHole, Following, sleep } from '../system/datastore-faults.ts';
import { enterOwnNamespace } from '../system/own-namespace.ts';

enterOwnNamespace();

test('30 s of dropped packets', async () => {
  const etcd = new Etcd();
  await etcd.start();
  await ready(etcd);
  const following = new Following(etcd);
  try {
    await following.start();
    following.write();
    await sleep(1000);
    const end = blackHole(etcd.port);
    await sleep(30_000);
    end();
    expect(following.log.some((line) => line.includes('the watch is lost'))).toBe(true);
    await sleep(2000);
    await following.settle();
    expect(following.falselyDeleted).toEqual([]);
  } finally {
    await following.close();
    await etcd.remove();
  }
});
