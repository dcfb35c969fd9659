// The conntrack program makes the connections and says which are left.
import { afterEach, beforeAll, expect, test } from 'vitest';
import { ConntrackDriver } from '../../src/drivers/conntrack/index.ts';
import { ip } from '../../src/net/index.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const driver = new ConntrackDriver({ clock: () => performance.now() });

beforeAll(enterOwnNamespace);
afterEach(() => {
  sh('conntrack -F 2>/dev/null');
});

/** A UDP connection; `replyTo` and `replyFrom` are what NAT makes of it. */
function connect(from: string, to: string, port: number, replyFrom = to, replyTo = from, more = ''): void {
  sh(
    `conntrack -I -p udp -s ${from} -d ${to} -r ${replyFrom} -q ${replyTo} --sport ${port} --dport 53 ` +
      `--reply-port-src 53 --reply-port-dst ${port} -t 600 ${more} 2>/dev/null`,
  );
}

/** Source ports of what is tracked. */
function ports(): number[] {
  const text = sh('conntrack -L -f ipv4 2>/dev/null; conntrack -L -f ipv6 2>/dev/null');
  return [...text.matchAll(/sport=(\d+) dport=53 /g)].map((match) => Number(match[1])).sort((a, b) => a - b);
}

test('connections of an address end in each of its four places, others go on', async () => {
  connect('10.65.0.1', '10.0.0.9', 1);
  connect('10.0.0.9', '10.65.0.1', 2);
  connect('10.0.0.9', '192.0.2.1', 3, '10.65.0.1');
  connect('10.0.0.9', '10.0.0.8', 4, '10.0.0.8', '10.65.0.1');
  connect('10.65.0.2', '10.0.0.9', 5);
  connect('fd00:65::1', 'fd00::9', 6);
  connect('fd00:65::2', 'fd00::9', 7);
  connect('10.65.0.1', '10.0.0.9', 8, '10.0.0.9', '10.65.0.1', '-w 7');
  expect(ports()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(driver.pending).toBe(false);
  driver.endConnections([ip('10.65.0.1'), ip('fd00:65::1')]);
  expect(driver.pending).toBe(true);
  expect(await driver.apply()).toEqual({ operations: 6, errors: new Map(), retryAt: null });
  expect(ports()).toEqual([5, 7]);
  expect(await driver.apply()).toEqual({ operations: 0, errors: new Map(), retryAt: null });
});

test('a large table is read once for any number of addresses, and other work gets its turn', async () => {
  const many = Array.from(
    { length: 400 },
    (_, i) =>
      `conntrack -I -p udp -s 10.66.${i >> 8}.${i & 255} -d 10.0.0.9 -r 10.0.0.9 -q 10.66.${i >> 8}.${i & 255} --sport ${1000 + i} --dport 53 --reply-port-src 53 --reply-port-dst ${1000 + i} -t 600`,
  );
  sh(`{ ${many.join('; ')}; } 2>/dev/null`);
  driver.endConnections(Array.from({ length: 300 }, (_, i) => ip(`10.66.${i >> 8}.${i & 255}`)));
  let turns = 0;
  const other = setImmediate(function again() {
    turns++;
    if (turns < 5) setImmediate(again);
  });
  const first = driver.apply();
  driver.endConnections([ip('10.66.1.100')]);
  const second = driver.apply();
  expect((await first).operations).toBe(300);
  expect((await second).operations).toBe(1);
  clearImmediate(other);
  expect(turns).toBeGreaterThan(0);
  expect(ports().length).toBe(99);
});
