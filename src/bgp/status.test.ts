import { expect, it } from 'vitest';
import { explain, parseSessions, parseStatus } from './status.ts';

const STATUS = [
  'BIRD 2.0.12',
  'Router ID is 10.1.0.1',
  'Hostname is h1',
  'Current server time is 2026-11-24 03:50:22.243',
  'Last reboot on 2026-11-24 03:50:21.492',
  'Last reconfiguration on 2026-11-24 03:50:25.492',
  'Daemon is up and running',
];

const PROTOCOLS = [
  'Name       Proto      Table      State  Since         Info',
  'device1    Device     ---        up     03:50:21.492  ',
  '',
  'Mesh_10_1_0_2 BGP        ---        up     03:50:21.619  Established   ',
  '  BGP state:          Established',
  '    Neighbor address: 10.1.0.2',
  '    Neighbor AS:      64512',
  '  Channel ipv4',
  '    State:          UP',
  '',
  'Node_fd01__101 BGP        ---        start  2026-11-20    Active        Socket: Connection refused',
  '  BGP state:          Active',
  '    Neighbor address: fd01::101',
  '    Last error:       Socket: Connection refused',
  '',
  'Global_10_1_0_9 BGP        ---        start  03:50:21.492  Passive       ',
  '  BGP state:          Passive',
  '    Neighbor address: 10.1.0.9',
];

it('what BIRD says of itself', () => {
  expect(parseStatus(STATUS)).toEqual({
    version: '2.0.12',
    routerId: '10.1.0.1',
    lastBoot: '2026-11-24 03:50:21',
    lastReconfiguration: '2026-11-24 03:50:25',
  });
  expect(() => parseStatus(['something'])).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
});

it('what it says of sessions', () => {
  expect(parseSessions(PROTOCOLS)).toEqual([
    {
      name: 'Mesh_10_1_0_2',
      type: 'mesh',
      family: 4,
      peer: '10.1.0.2',
      state: 'up',
      since: '03:50:21',
      bgpState: 'Established',
      info: 'Established',
      lastError: '',
    },
    {
      name: 'Node_fd01__101',
      type: 'node',
      family: 6,
      peer: 'fd01::101',
      state: 'start',
      since: '2026-11-20',
      bgpState: 'Active',
      info: 'Active Socket: Connection refused',
      lastError: 'Socket: Connection refused',
    },
    {
      name: 'Global_10_1_0_9',
      type: 'global',
      family: 4,
      peer: '10.1.0.9',
      state: 'start',
      since: '03:50:21',
      bgpState: 'Passive',
      info: 'Passive',
      lastError: '',
    },
  ]);
});

it('why one is not up', () => {
  expect(parseSessions(PROTOCOLS).map(explain)).toEqual([
    null,
    'the peer refuses connections: no BGP runs there, or on another port',
    'this host waits for the peer to connect, which it has not done',
  ]);
  const session = { ...(parseSessions(PROTOCOLS)[1] as ReturnType<typeof parseSessions>[0]), info: 'Active' };
  expect(explain({ ...session, lastError: 'BGP Error: Bad peer AS' })).toContain('another AS number');
  expect(explain({ ...session, lastError: '' })).toContain('does not answer');
  expect(explain({ ...session, lastError: 'Something new' })).toBe('Something new');
});
