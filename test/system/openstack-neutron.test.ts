/** The calls that upstream's driver was recorded with, made to a real Neutron with ours; then what may go wrong on the way. */
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { Controller } from './openstack-controller.ts';
import { comparable, type Dump, type Objects, recorded, recordedObjects } from './openstack-recordings.ts';
import { enterOwnNamespace } from './own-namespace.ts';

enterOwnNamespace();
const controller = new Controller();
const api = controller.api.bind(controller);
const POLICIES = '/calico/resources/v3/projectcalico.org/networkpolicies/openstack/ossg.default.';
const PATIENCE = { timeout: 15_000, interval: 200 };
const objects: Record<string, { id: string } | undefined> = {};
const id = (name: string) => objects[name]?.id as string;

beforeAll(async () => {
  try {
    await controller.start();
  } catch (error) {
    throw new Error(`./dev test openstack installs what this needs (neutron-server, mariadb-server): ${error}`);
  }
});
afterAll(() => controller.stop());

/** What is in etcd, like the recordings. */
const stored = async () => comparable(await controller.dump(), objects as Objects);
const recordedAt = (step: number) => comparable(recorded(step), recordedObjects());
const expectStored = (wanted: Dump) => {
  onTestFailed(() => console.error(controller.log('service'), controller.log('neutron').slice(-5000)));
  return expect.poll(stored, PATIENCE).toEqual(wanted);
};

/** Groups' policies are there from their creation: upstream writes them when they are first used, the same otherwise. */
function withPolicies(step: number, ...groups: string[]): Dump {
  const later = recordedAt(3);
  return {
    ...recordedAt(step),
    ...Object.fromEntries(groups.map((name) => [POLICIES + name, later[POLICIES + name]])),
  };
}

function withFloatingIp(step: number, externalIP: string): Dump {
  const dump = structuredClone(recordedAt(step)) as Record<string, { spec: object }>;
  const key = Object.keys(dump).find((name) => name.endsWith('-port')) as string;
  Object.assign(dump[key]?.spec as object, { ipNATs: [{ internalIP: "port's 0", externalIP }] });
  return dump;
}

test('a Felix that reports is an agent that is alive', async () => {
  controller.reportHosts('compute1', 'compute2');
  await expect.poll(async () => (await api<unknown[]>('GET', 'agents')).length, PATIENCE).toBe(2);
});

describe('as recorded', () => {
  test('1: subnets', async () => {
    objects.net = await api('POST', 'networks', { network: { name: 'calico', shared: true } });
    objects.s4 = await api('POST', 'subnets', {
      subnet: {
        network_id: id('net'),
        ip_version: 4,
        cidr: '10.65.0.0/24',
        gateway_ip: '10.65.0.1',
        enable_dhcp: true,
        dns_nameservers: ['8.8.8.8', '8.8.4.4'],
        host_routes: [{ destination: '11.11.0.0/16', nexthop: '10.65.0.1' }],
      },
    });
    const ipv6 = { ipv6_address_mode: 'dhcpv6-stateful', ipv6_ra_mode: 'dhcpv6-stateful' };
    objects.s6 = await api('POST', 'subnets', {
      subnet: { network_id: id('net'), ip_version: 6, cidr: 'fd5f:5d21:845:1::/64', ...ipv6 },
    });
    const groups = await api<{ id: string; name: string }[]>('GET', 'security-groups');
    objects.default = groups.find(({ name }) => name === 'default');
    await expectStored(withPolicies(1, 'default'));
  });

  test('2: security groups', async () => {
    objects.web = await api('POST', 'security-groups', { security_group: { name: 'web servers!', description: 'x' } });
    objects.db = await api('POST', 'security-groups', { security_group: { name: 'db' } });
    const into = { direction: 'ingress', ethertype: 'IPv4' };
    const ports = (port_range_min: number, port_range_max: number) => ({ port_range_min, port_range_max });
    for (const rule of [
      { ...into, protocol: 'tcp', ...ports(80, 90), remote_ip_prefix: '10.0.0.0/8' },
      { ...into, protocol: 'icmp', ...ports(8, 0) },
      { direction: 'ingress', ethertype: 'IPv6', protocol: 'ipv6-icmp' },
      { ...into, protocol: 'udp', ...ports(53, 53) },
      { ...into, protocol: '112' },
      { ...into, protocol: 'sctp', ...ports(7, 7) },
      { direction: 'egress', ethertype: 'IPv6', protocol: 'udp', ...ports(1, 1024), remote_ip_prefix: '2001:db8::/32' },
      { ...into, protocol: 'tcp', ...ports(3306, 3306), remote_group_id: id('db') },
    ])
      await api('POST', 'security-group-rules', { security_group_rule: { ...rule, security_group_id: id('web') } });
    await expectStored(withPolicies(2, 'default', 'db'));
  });

  test('3: ports', async () => {
    const port = { network_id: id('net'), device_owner: 'compute:nova', admin_state_up: true };
    objects.port = await api('POST', 'ports', {
      port: {
        ...port,
        device_id: '11111111-2222-3333-4444-555555555555',
        'binding:host_id': 'compute1',
        security_groups: [id('web'), id('db')],
        allowed_address_pairs: [{ ip_address: '23.23.23.2' }],
      },
    });
    expect(objects.port).toMatchObject({
      'binding:vif_type': 'tap',
      'binding:vif_details': { connectivity: 'legacy', port_filter: true, mac_address: '00:61:fe:ed:ca:fe' },
    });
    const device_id = '21111111-2222-3333-4444-555555555555';
    objects.port2 = await api('POST', 'ports', { port: { ...port, device_id, 'binding:host_id': 'compute2' } });
    await expectStored(recordedAt(3));
  });

  test('4: other groups', async () => {
    await api('PUT', `ports/${id('port')}`, { port: { security_groups: [id('db')] } });
    await expectStored(recordedAt(4));
  });

  test('5: another host', async () => {
    await api('PUT', `ports/${id('port')}`, { port: { 'binding:host_id': 'compute2' } });
    await expectStored(recordedAt(5));
  });

  test('6, 7: a floating IP, which upstream left out, and a port that is deleted', async () => {
    const external = await api('POST', 'networks', { network: { name: 'public', 'router:external': true } });
    const subnet = { network_id: external.id, ip_version: 4, cidr: '172.16.1.0/24', enable_dhcp: false };
    await api('POST', 'subnets', { subnet });
    const router = await api('POST', 'routers', { router: { name: 'r1' } });
    await fetch(`http://127.0.0.1:9696/v2.0/routers/${router.id}/add_router_interface`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'x-roles': 'admin', 'x-project-id': 'x' },
      body: JSON.stringify({ subnet_id: id('s4') }),
    });
    const gateway = { external_gateway_info: { network_id: external.id } };
    await api('PUT', `routers/${router.id}`, { router: gateway });
    const floating = await api<{ id: string; floating_ip_address: string }>('POST', 'floatingips', {
      floatingip: { floating_network_id: external.id, port_id: id('port') },
    });
    await expectStored(withFloatingIp(6, floating.floating_ip_address));
    await api('DELETE', `ports/${id('port2')}`);
    await expectStored(withFloatingIp(7, floating.floating_ip_address));
    await api('DELETE', `floatingips/${floating.id}`);
    await expectStored(recordedAt(7));
  });
});

test('what a host reports becomes the status of the port', async () => {
  const key = `/calico/felix/v2/no-region/host/compute2/workload/openstack/openstack%2fx/endpoint/${id('port')}`;
  const status = async () => (await api<{ status: string }>('GET', `ports/${id('port')}`)).status;
  controller.etcd.ctl('put', key, '{"status":"up"}');
  await expect.poll(status, PATIENCE).toBe('ACTIVE');
  controller.etcd.ctl('put', key, '{"status":"error"}');
  await expect.poll(status, PATIENCE).toBe('ERROR');
  controller.etcd.ctl('del', key);
});

test("a group's new name is in the labels of its ports", async () => {
  await api('PUT', `security-groups/${id('db')}`, { security_group: { name: 'data base' } });
  await expect.poll(async () => JSON.stringify(await stored()), PATIENCE).toContain('openstack-data_base');
  await api('PUT', `security-groups/${id('db')}`, { security_group: { name: 'db' } });
  await expectStored(recordedAt(7));
});

test('DHCP options of a port and the MTU of its network are told where upstream has no key', async () => {
  const keys = async (part: string) =>
    Object.entries(await controller.dump()).filter(([key]) => key.startsWith(`/calico/dhcp/v2/no-region/${part}`));
  const network = await api('POST', 'networks', { network: { name: 'small', mtu: 1400 } });
  const told = [[`/calico/dhcp/v2/no-region/network/${network.id}`, { mtu: 1400 }]];
  await expect.poll(() => keys('network/'), PATIENCE).toEqual(told);
  const extra_dhcp_opts = [{ opt_name: 'tftp-server', opt_value: '10.0.0.1' }];
  await api('PUT', `ports/${id('port')}`, { port: { extra_dhcp_opts } });
  const options = [
    [
      `/calico/dhcp/v2/no-region/port/compute2/${id('port')}`,
      expect.objectContaining({
        extra_dhcp_opts: [{ ...extra_dhcp_opts[0], ip_version: 4 }],
      }),
    ],
  ];
  await expect.poll(() => keys('port/'), PATIENCE).toEqual(options);
  expect(controller.service('POST', '/v1/resync')).toMatchObject({ complete: true, differing: 0 });
  await api('PUT', `ports/${id('port')}`, {
    port: { extra_dhcp_opts: [{ opt_name: 'tftp-server', opt_value: null }] },
  });
  await api('DELETE', `networks/${network.id}`);
  await expectStored(recordedAt(7));
});

test('a damaged datastore is mended by one resync, which writes what differs and nothing else', async () => {
  const before = await controller.dump();
  const keys = Object.keys(before);
  const endpoint = keys.find((key) => key.includes('/workloadendpoints/')) as string;
  controller.etcd.ctl('put', endpoint, '{');
  controller.etcd.ctl('del', POLICIES + id('db'));
  controller.etcd.ctl('put', `${POLICIES}unknown`, '{}');
  controller.etcd.ctl('put', endpoint.replace('compute2-', 'compute9-'), '{}');
  const foreign = endpoint.replace('/openstack/', '/openstack-region-x/');
  controller.etcd.ctl('put', foreign, '{}');
  const first = controller.service<object>('POST', '/v1/resync');
  expect(first).toMatchObject({ complete: true, differing: 4, written: 2, deleted: 2 });
  expect(Object.keys(await controller.dump())).toContain(foreign);
  controller.etcd.ctl('del', foreign);
  await expectStored(recordedAt(7));
  expect(controller.service('POST', '/v1/resync')).toMatchObject({ complete: true, differing: 0, written: 0 });
});

test('what changes while no service runs waits for it, and a port is bound to no host meanwhile', async () => {
  await controller.kill('service');
  const port = { network_id: id('net'), device_owner: 'compute:nova', device_id: 'd', 'binding:host_id': 'compute1' };
  const failed = await api<{ id: string }>('POST', 'ports', { port });
  expect(failed).toMatchObject({ 'binding:vif_type': 'binding_failed' });
  await api('DELETE', `ports/${failed.id}`);
  await api('DELETE', `ports/${id('port')}`);
  controller.startService();
  await expect
    .poll(
      async () => Object.keys(await controller.dump()).filter((key) => key.includes('/workloadendpoints/')),
      PATIENCE,
    )
    .toEqual([]);
  await expect.poll(() => controller.sql('select count(*) from neutron.calico_outbox').trim(), PATIENCE).toBe('0');
});

test('a change is not lost with the process that made it', async () => {
  const group = await api('POST', 'security-groups', { security_group: { name: 'late' } });
  await expect.poll(async () => Object.keys(await controller.dump()), PATIENCE).toContain(POLICIES + group.id);
  await controller.kill('neutron');
  // As the transaction leaves it whose process is killed before it hands over.
  controller.sql(`delete from neutron.securitygroups where id = '${group.id}';
    insert into neutron.calico_outbox (kind, object_id, created_at) values ('security_group', '${group.id}', utc_timestamp())`);
  await controller.startNeutron();
  await expect.poll(async () => Object.keys(await controller.dump()), PATIENCE).not.toContain(POLICIES + group.id);
});

test('a list that Neutron cannot complete deletes nothing', async () => {
  const before = await stored();
  await controller.kill('neutron');
  expect(controller.service('POST', '/v1/resync')).toMatchObject({ complete: false, deleted: 0 });
  expect(await stored()).toEqual(before);
});
