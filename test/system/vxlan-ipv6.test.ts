// IPv6's VXLAN overlay: what the kernel has, and packets to a host whose end of the tunnel was made with stock tools.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CalcGraph } from '../../src/calc/index.ts';
import { block, node, pool, put } from '../../src/calc/testing/resources.ts';
import { cidr, ip } from '../../src/net/index.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { NamespaceHost } from './namespace-host.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const H2 = `v6${process.pid}-h2`;
/** As upstream derives it: test/vectors/names/vxlanMACs.json has others. */
const MACS = { h1: '66:00:00:00:00:01', h2: '66:00:00:00:00:02' };
let host: NamespaceHost;

function member(name: 'h1' | 'h2', number: number) {
  return node(name, `172.30.0.1${number}/24`, undefined, {
    ipv6: ip(`fd00:30::1${number}`),
    ipv6Net: cidr(`fd00:30::1${number}/64`),
    ipv6VxlanTunnel: ip(`fd00:80:${number}::`),
    vxlanTunnelMacV6: MACS[name],
  });
}

beforeAll(async () => {
  enterOwnNamespace();
  sh(`sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0
    ip netns add ${H2}; ip netns exec ${H2} sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0
    ip link add eth0 type veth peer name eth0 netns ${H2}
    ip addr add 172.30.0.11/24 dev eth0; ip addr add fd00:30::11/64 dev eth0 nodad; ip link set eth0 up
    ip -n ${H2} link set lo up; ip -n ${H2} addr add fd00:30::12/64 dev eth0 nodad; ip -n ${H2} link set eth0 up
    ip -n ${H2} addr add fd00:80:2::5/128 dev lo
    ip -n ${H2} link add vxlan-v6 address ${MACS.h2} type vxlan id 4096 local fd00:30::12 dev eth0 dstport 4789 nolearning
    ip -n ${H2} addr add fd00:80:2::/128 dev vxlan-v6 nodad; ip -n ${H2} link set vxlan-v6 mtu 1430 up
    bridge -n ${H2} fdb add ${MACS.h1} dev vxlan-v6 dst fd00:30::11
    ip -n ${H2} neigh add fd00:80:1:: lladdr ${MACS.h1} dev vxlan-v6 nud permanent
    ip -n ${H2} route add fd00:80:1::/64 via fd00:80:1:: dev vxlan-v6 onlink src fd00:80:2::5`);
  const graph = new CalcGraph({ node: 'h1' });
  const blocks = [block('fd00:80:1::/122', 'h1'), block('fd00:80:2::/122', 'h2')];
  graph.onUpdates([pool('fd00:80::/32', { vxlan: 'always' }), member('h1', 1), member('h2', 2), ...blocks].map(put));
  const vxlan = { ...BOTH_FAMILIES.vxlan, 6: { mtu: {} } };
  host = await NamespaceHost.start({ ...BOTH_FAMILIES, encapsulations: { vxlan6: 'by pools' }, vxlan }, graph);
  for (let i = 0; i < 500 && sh('ip -6 route show fd00:80:2::/122') === ''; i++) await sleep(10);
});

afterAll(async () => {
  await host?.close();
  sh(`ip netns del ${H2} || true`);
});

test('the device, its address, entries, route and the set of hosts', () => {
  const link = sh('ip -d link show vxlan-v6.calico');
  expect(link).toMatch(/mtu 1430 .*\n.*link\/ether 66:00:00:00:00:01 .*\n *vxlan id 4096 .*local fd00:30::11 dev eth0/);
  expect(link).toContain('dstport 4789');
  expect(link).toContain('nolearning');
  expect(sh('ip -6 -o addr show dev vxlan-v6.calico')).toContain('inet6 fd00:80:1::/128');
  expect(sh('bridge fdb show dev vxlan-v6.calico').trim()).toBe('66:00:00:00:00:02 dst fd00:30::12 self permanent');
  expect(sh('ip -6 neigh show dev vxlan-v6.calico nud permanent')).toContain('fd00:80:2:: lladdr 66:00:00:00:00:02');
  expect(sh('ip -6 route show fd00:80:2::/122')).toContain('via fd00:80:2:: dev vxlan-v6.calico');
  expect(sh('ipset list cali60all-vxlan-net -o save')).toContain('add cali60all-vxlan-net fd00:30::12');
  expect(sh('ip6tables-legacy -S cali-INPUT')).toMatch(/cali60all-vxlan-net src .*--dports 4789/);
  expect(sh('ip link show vxlan.calico 2>&1 || true')).toContain('does not exist');
  expect(host.problems).toEqual([]);
  expect(host.differences()).toEqual([]);
});

test('packets go through it, and back', async () => {
  const echo = spawn('ip', ['netns', 'exec', H2, process.execPath, '-e', ECHO]);
  await once(echo.stdout, 'data');
  const answered = sh(`${process.execPath} -e "${PROBE}"`).trim();
  echo.kill();
  expect(answered).toBe('10');
  expect(Number(sh(`ip netns exec ${H2} cat /sys/class/net/vxlan-v6/statistics/rx_packets`))).toBeGreaterThanOrEqual(
    10,
  );
});

test('without IPv6 the device goes: nothing would say any more from whom it takes packets', async () => {
  await host.close();
  host = await NamespaceHost.start({ ...BOTH_FAMILIES, families: [4] }, new CalcGraph({ node: 'h1' }));
  for (let i = 0; i < 300 && host.rounds < 2; i++) await sleep(10);
  expect(sh('ip link show vxlan-v6.calico 2>&1 || true')).toContain('does not exist');
});

const ECHO = `const socket = require('node:dgram').createSocket('udp6');
socket.on('message', (message, { port, address }) => socket.send(message, port, address));
socket.bind(7, () => console.log('ready'));`;
const PROBE = `const socket = require('node:dgram').createSocket('udp6');
let answers = 0;
const end = () => { console.log(answers); socket.close(); };
socket.on('message', () => ++answers === 10 && end());
socket.bind(0, 'fd00:80:1::', () => { for (let i = 0; i < 10; i++) socket.send('x', 7, 'fd00:80:2::5'); });
setTimeout(end, 5000).unref();`;
