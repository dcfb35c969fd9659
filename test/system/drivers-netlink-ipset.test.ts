// The ipset program is the oracle: what it prints must be what we meant.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IpSetDriver, type IpSetSpec } from '../../src/drivers/ipset/index.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../../src/kernel/index.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

let socket: NetlinkSocket;
let driver: IpSetDriver;
let now = 0;
const clock = () => now;
const nets: IpSetSpec = { name: 'cali40s:nets', type: 'hash:net', family: 4 };
const nets6: IpSetSpec = { name: 'cali60s:nets', type: 'hash:net', family: 6 };
const ports: IpSetSpec = { name: 'cali40n:ports', type: 'hash:ip,port', family: 4 };

beforeAll(() => {
  enterOwnNamespace();
  socket = new NetlinkSocket(NETLINK_NETFILTER);
});
beforeEach(() => {
  now = 0;
  driver = new IpSetDriver({ socket, clock });
});
afterEach(() => {
  sh('iptables -F 2>/dev/null || true; ipset destroy');
});

/** `ipset save`, sorted, without hash sizes. */
function saved(): string[] {
  return sh('ipset save')
    .replace(/ (bucketsize|initval|hashsize) \S+/g, '')
    .split('\n')
    .filter(Boolean)
    .sort();
}
/** The members of a set as `ipset` prints them. */
function members(name: string): string[] {
  return saved().flatMap((line) => (line.startsWith(`add ${name} `) ? [line.slice(5 + name.length)] : []));
}

describe('what is desired is what ipset prints', () => {
  test('sets of every type and family', () => {
    driver.setDesired(nets, ['10.0.0.0/8', '10.65.0.1/32', '10.65.0.2']);
    driver.setDesired(nets6, ['fd00::/64', 'fd00::1/128']);
    driver.setDesired(ports, ['10.65.0.1,tcp:80', '10.65.0.1,udp:53', '10.65.0.1,sctp:9']);
    driver.setDesired({ name: 'cali60n:ports', type: 'hash:ip,port', family: 6 }, ['fd00::1,udp:53']);
    driver.setDesired({ name: 'cali40this-host', type: 'hash:ip', family: 4 }, ['127.0.0.1', '172.30.0.11']);
    driver.setDesired({ name: 'cali60this-host', type: 'hash:ip', family: 6, maxElements: 99 }, ['::1']);
    expect(driver.apply()).toEqual({ operations: 6 + 12, errors: new Map(), retryAt: null });
    expect(saved()).toEqual(
      [
        'create cali40n:ports hash:ip,port family inet maxelem 1048576',
        'create cali40s:nets hash:net family inet maxelem 1048576',
        'create cali40this-host hash:ip family inet maxelem 1048576',
        'create cali60n:ports hash:ip,port family inet6 maxelem 1048576',
        'create cali60s:nets hash:net family inet6 maxelem 1048576',
        'create cali60this-host hash:ip family inet6 maxelem 99',
        'add cali40n:ports 10.65.0.1,sctp:9',
        'add cali40n:ports 10.65.0.1,tcp:80',
        'add cali40n:ports 10.65.0.1,udp:53',
        'add cali40s:nets 10.0.0.0/8',
        'add cali40s:nets 10.65.0.1',
        'add cali40s:nets 10.65.0.2',
        'add cali40this-host 127.0.0.1',
        'add cali40this-host 172.30.0.11',
        'add cali60n:ports fd00::1,udp:53',
        'add cali60s:nets fd00::/64',
        'add cali60s:nets fd00::1',
        'add cali60this-host ::1',
      ].sort(),
    );
  });

  test('everything is two halves, and a half that is desired for itself stays', () => {
    driver.setDesired(nets, ['0.0.0.0/0']);
    driver.setDesired(nets6, ['::/0']);
    driver.apply();
    expect(members(nets.name)).toEqual(['0.0.0.0/1', '128.0.0.0/1']);
    expect(members(nets6.name)).toEqual(['8000::/1', '::/1']);
    driver.addMembers(nets.name, ['0.0.0.0/1']);
    driver.removeMembers(nets.name, ['0.0.0.0/0']);
    driver.apply();
    expect(members(nets.name)).toEqual(['0.0.0.0/1']);
  });

  test('any sequence of changes', () => {
    const member = fc.constantFrom('0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '10.0.0.0/8', '10.0.0.1/32', '10.0.0.2/32');
    const change = fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'restart'), list: fc.array(member) });
    const halved = (m: string) => (m === '0.0.0.0/0' ? ['0.0.0.0/1', '128.0.0.0/1'] : [m.replace('/32', '')]);
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        driver = new IpSetDriver({ socket, clock });
        const model = new Set<string>();
        driver.setDesired(nets, []);
        driver.resync();
        driver.apply();
        for (const { op, list } of changes) {
          if (op === 'replace' || op === 'restart') model.clear();
          if (op === 'remove') for (const m of list) model.delete(m);
          else for (const m of list) model.add(m);
          if (op === 'add') driver.addMembers(nets.name, list);
          else if (op === 'remove') driver.removeMembers(nets.name, list);
          else {
            if (op === 'restart') driver = new IpSetDriver({ socket, clock });
            if (op === 'restart') driver.resync();
            driver.setDesired(nets, list);
          }
          driver.apply();
        }
        expect(members(nets.name)).toEqual([...new Set([...model].flatMap(halved))].sort());
        expect(driver.apply().operations).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});

describe('an audit', () => {
  test('reads a few sets at a time, and what is new does not wait for it', () => {
    const COUNT = 20;
    // Every look at the clock takes its time.
    driver = new IpSetDriver({ socket, clock: () => now++ * 10 });
    const names = Array.from({ length: COUNT }, (_, i) => `cali40s:${i}`);
    for (const name of names) driver.setDesired({ ...nets, name }, ['10.0.0.1']);
    driver.apply();
    for (const name of names) sh(`ipset del ${name} 10.0.0.1`);
    driver.resync();
    driver.setDesired(nets, ['10.0.0.2']);
    const mended = (): number => names.filter((name) => members(name).length === 1).length;
    let result = driver.applyUpdates();
    expect(members(nets.name)).toEqual(['10.0.0.2']);
    expect(result.retryAt).not.toBeNull();
    for (let before = 0; result.retryAt !== null; before = mended(), result = driver.applyUpdates()) {
      expect(result.retryAt).toBeLessThanOrEqual(now * 10);
      expect(mended() - before).toBeLessThan(COUNT / 2);
      expect(driver.gaps.size).toBe(0);
    }
    expect(mended()).toBe(COUNT);
  });
});

describe('only what differs is written', () => {
  test('one member is one operation, whatever exists', () => {
    driver.setDesired(
      nets,
      Array.from({ length: 20_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`),
    );
    for (let i = 0; i < 100; i++) driver.setDesired({ ...nets, name: `cali40s:${i}` }, ['10.0.0.1/32']);
    expect(driver.apply().operations).toBe(101 + 20_100);
    expect(members(nets.name).length).toBe(20_000);
    const before = socket.requests;
    driver.addMembers(nets.name, ['11.0.0.1/32']);
    expect(driver.apply().operations).toBe(1);
    driver.removeMembers(nets.name, ['11.0.0.1/32']);
    expect(driver.apply().operations).toBe(1);
    driver.addMembers(nets.name, ['11.0.0.1/32']);
    driver.removeMembers(nets.name, ['11.0.0.1/32']);
    driver.addMembers(nets.name, ['10.0.0.1/32']);
    expect(driver.apply().operations).toBe(0);
    expect(socket.requests - before).toBe(2);
  });

  test('after a restart nothing is written when all is as desired, and only the difference when it is not', () => {
    driver.setDesired(nets, ['10.0.0.1/32', '10.0.0.2/32']);
    driver.setDesired(ports, ['10.65.0.1,tcp:80']);
    driver.apply();
    sh('ipset del cali40s:nets 10.0.0.1; ipset add cali40s:nets 10.0.0.9');
    const second = new IpSetDriver({ socket, clock });
    second.resync();
    second.setDesired(nets, ['10.0.0.1/32', '10.0.0.2/32']);
    second.setDesired(ports, ['10.65.0.1,tcp:80']);
    expect(second.apply()).toEqual({ operations: 2, errors: new Map(), retryAt: null });
    expect(members(nets.name)).toEqual(['10.0.0.1', '10.0.0.2']);
  });
});

describe('what others do', () => {
  test('foreign sets are never touched; ours that nobody desires go', () => {
    const rows = JSON.parse(readFileSync(new URL('../vectors/names/ipsetOwned.json', import.meta.url), 'utf8'));
    const names: { name: string; v4: boolean }[] = rows.map((row: Record<string, unknown>) => row['v3.15.0']);
    for (const { name } of names) sh(`ipset create '${name}' hash:net`);
    const onlyV4 = new IpSetDriver({ socket, clock, families: [4] });
    onlyV4.resync();
    onlyV4.apply();
    const left = saved().map((line) => line.split(' ')[1]);
    expect(left).toEqual(names.flatMap(({ name, v4 }) => (v4 ? [] : [name])).sort());
  });

  test('a set that a rule names goes as soon as the rule has gone, without an error', () => {
    driver.setDesired(nets, []);
    driver.apply();
    sh(`iptables -A INPUT -m set --match-set ${nets.name} src -j ACCEPT`);
    driver.removeDesired(nets.name);
    expect(driver.applyRemovals()).toEqual({ operations: 1, errors: new Map(), retryAt: 100 });
    expect(driver.applyRemovals().operations).toBe(0);
    sh('iptables -F INPUT');
    now = 100;
    expect(driver.applyRemovals()).toEqual({ operations: 1, errors: new Map(), retryAt: null });
    expect(saved()).toEqual([]);
  });

  test('a set that was destroyed or changed by hand is mended', () => {
    driver.setDesired(nets, ['10.0.0.1/32']);
    driver.setDesired(ports, ['10.65.0.1,tcp:80']);
    driver.apply();
    sh(`ipset destroy ${nets.name}; ipset flush ${ports.name}; ipset add ${ports.name} 10.0.0.1,udp:1`);
    driver.resync();
    driver.apply();
    expect(members(nets.name)).toEqual(['10.0.0.1']);
    expect(members(ports.name)).toEqual(['10.65.0.1,tcp:80']);
  });

  test('a set that has just been destroyed is noticed when a member is added', () => {
    driver.setDesired(nets, ['10.0.0.1/32']);
    driver.apply();
    sh(`ipset destroy ${nets.name}`);
    driver.addMembers(nets.name, ['10.0.0.2/32']);
    const { errors, retryAt } = driver.apply();
    expect([...errors.values()].map(String)).toEqual([
      'E_KERNEL cali40s:nets: cannot add 10.0.0.2/32: ENOENT: no such file or directory',
    ]);
    now = retryAt as number;
    expect(driver.apply()).toEqual({ operations: 3, errors: new Map(), retryAt: null });
    expect(members(nets.name)).toEqual(['10.0.0.1', '10.0.0.2']);
  });
});

describe('a set of another size or type', () => {
  test('takes the place of the old one under the rules that name it', () => {
    driver.setDesired({ ...nets, maxElements: 10 }, ['10.0.0.1/32']);
    driver.apply();
    sh(`iptables -A INPUT -m set --match-set ${nets.name} src -j ACCEPT`);
    driver.setDesired(nets, ['10.0.0.1/32', '10.0.0.2/32']);
    expect(driver.apply().errors).toEqual(new Map());
    expect(saved()).toEqual([
      'add cali40s:nets 10.0.0.1',
      'add cali40s:nets 10.0.0.2',
      'create cali40s:nets hash:net family inet maxelem 1048576',
    ]);
    expect(sh('iptables -S INPUT')).toContain(`--match-set ${nets.name} src`);
    expect(driver.apply().operations).toBe(0);
  });

  test('of another kind replaces it when no rule names it, and waits while one does', () => {
    driver.setDesired(nets, ['10.0.0.1/32']);
    driver.apply();
    sh(`iptables -A INPUT -m set --match-set ${nets.name} src -j ACCEPT`);
    driver.setDesired({ ...ports, name: nets.name }, ['10.0.0.1,tcp:1']);
    expect([...driver.apply().errors.keys()]).toEqual([nets.name]);
    expect(members(nets.name)).toEqual(['10.0.0.1']);
    sh('iptables -F INPUT');
    now = 10_000;
    expect(driver.apply().errors).toEqual(new Map());
    expect(saved()).toEqual([
      'add cali40s:nets 10.0.0.1,tcp:1',
      'create cali40s:nets hash:ip,port family inet maxelem 1048576',
    ]);
  });
});

describe('one bad object does not stop the rest', () => {
  test('bad members and names', () => {
    driver.setDesired(nets, ['10.0.0.1/32', 'fd00::1/128', '10.0.0.300/32', '10.0.0.2/32']);
    driver.setDesired({ ...nets, name: 'cali40-a-name-that-is-much-too-long-for-it' }, ['10.0.0.1/32']);
    driver.setDesired(ports, ['10.0.0.1,tcp:1', '10.0.0.1,tcp:70000', '10.0.0.2,tcp:2']);
    const { errors } = driver.apply();
    expect([...errors.keys()].sort()).toEqual([
      'cali40-a-name-that-is-much-too-long-for-it',
      'cali40n:ports 10.0.0.1,tcp:70000',
      'cali40s:nets 10.0.0.300/32',
      'cali40s:nets fd00::1/128',
    ]);
    expect(members(nets.name)).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(members(ports.name)).toEqual(['10.0.0.1,tcp:1', '10.0.0.2,tcp:2']);
  });

  test('a set that is full holds what fits, and other sets are filled', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `10.0.${i >> 8}.${i & 255}/32`);
    driver.setDesired({ ...nets, maxElements: 1500 }, many);
    driver.setDesired(ports, ['10.0.0.1,tcp:1']);
    const { errors, retryAt } = driver.apply();
    expect(retryAt).toBe(100);
    const held = members(nets.name).length;
    expect(held).toBeGreaterThanOrEqual(1500);
    expect([...errors.values()].map(String)).toEqual([
      'E_KERNEL cali40s:nets: cannot add all members: IPSET_ERR_HASH_FULL',
    ]);
    expect(members(ports.name)).toEqual(['10.0.0.1,tcp:1']);
    driver.removeMembers(nets.name, many.slice(1000));
    expect(driver.apply().errors).toEqual(new Map());
    expect(members(nets.name).length).toBe(1000);
  });
});

describe('what is not as desired is told, with what may be wrong about it', () => {
  const gap = (name: string) => driver.gaps.get(name);
  const changed = () => [...driver.applyUpdates().changed];

  test('a set that cannot be made, until it can', () => {
    sh(`ipset create ${nets.name} hash:ip,port`);
    driver.setDesired(nets, []);
    driver.setDesired({ ...nets, name: 'cali40-a-name-that-is-much-too-long-for-it' }, []);
    expect(changed()).toEqual(['cali40s:nets', 'cali40-a-name-that-is-much-too-long-for-it']);
    expect(gap(nets.name)).toMatchObject({ absent: true, missing: true, extra: false });
    driver.resync();
    now = 1000;
    expect(changed()).toContain('cali40s:nets');
    expect([...driver.gaps.keys()]).toEqual(['cali40-a-name-that-is-much-too-long-for-it']);
    expect(saved().join()).toContain('create cali40s:nets hash:net');
  });

  test('members that are missing, until there is room or they are not desired any more', () => {
    driver.setDesired({ ...nets, maxElements: 1 }, ['10.0.0.1/32', '10.0.0.2/32', '10.0.0.3/32']);
    expect(changed()).toEqual([nets.name]);
    expect(gap(nets.name)).toEqual({
      absent: false,
      missing: true,
      extra: false,
      reason: 'cannot add all members: IPSET_ERR_HASH_FULL',
    });
    expect(changed()).toEqual([]);
    now = 100;
    expect(changed()).toEqual([]);
    driver.removeMembers(nets.name, ['10.0.0.2/32', '10.0.0.3/32']);
    expect(changed()).toEqual([nets.name]);
    expect(driver.gaps.size).toBe(0);
  });

  test('a set that became too small, until it is bigger', () => {
    const many = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}/32`);
    driver.setDesired(nets, many);
    driver.apply();
    driver.setDesired({ ...nets, maxElements: 20 }, many);
    expect(changed()).toEqual([nets.name]);
    expect(gap(nets.name)).toMatchObject({ absent: false, missing: true });
    // Rules trust it still: it stays as it was, and of the copy nothing is left.
    expect(members(nets.name)).toHaveLength(300);
    expect(saved().filter((line) => line.startsWith('create'))).toHaveLength(1);
    driver.setDesired(nets, many);
    expect(changed()).toEqual([nets.name]);
    expect(driver.gaps.size).toBe(0);
    expect(members(nets.name)).toHaveLength(300);
  });

  test('one that goes has none', () => {
    driver.setDesired({ ...nets, maxElements: 1 }, ['10.0.0.1/32', '10.0.0.2/32', '10.0.0.3/32']);
    driver.applyUpdates();
    driver.removeDesired(nets.name);
    expect(changed()).toEqual([nets.name]);
    expect(driver.gaps.size).toBe(0);
  });
});
