/** The configuration of one node as a whole, and what each setting changes in it. BIRD itself accepts all of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import type { Update } from '../model/index.ts';
import { renderConfig } from './render.ts';
import { block, networkOf, node, objections, rendered, stored } from './testing/network.ts';

const peer = (spec: object, metadata: object = {}) =>
  stored('BGPPeer', 'tor', { peerIP: '10.1.0.254', asNumber: 65500, ...spec }, metadata);
const configuration = (spec: object) => stored('BGPConfiguration', 'default', spec);
const filter = (spec: object) => stored('BGPFilter', 'f.1', spec);
const pool = (name: string, cidr: string, rest: object = {}) => stored('IPPool', name, { cidr, ...rest });

/** One mesh session and one peer a family. */
const BASE: readonly Update[] = [
  node('a', { ipv4Address: '10.1.0.1/24', ipv6Address: 'fd00::1/64' }),
  node('b', { ipv4Address: '10.1.0.2/24' }),
  peer({}),
  pool('p', '10.65.0.0/16'),
  block('10.65.0.0/26', 'a'),
  block('10.65.0.64/26', 'b'),
  block('fd65::/122', 'a'),
];
const BFD = { annotations: { 'projectcalico.org/failureDetectionMode': 'BFDIfDirectlyConnected' } };
const secret = (name: string, rest: object = {}) => ({ secretKeyRef: { name, key: 'bgp', ...rest } });

const lines = (text: string) => text.split('\n').map((line) => line.trim());

/** `- ` what is gone against the base, `+ ` what is new, in their order. */
function changes(...updates: Update[]): string[] {
  const [before, after] = [networkOf(...BASE), networkOf(...BASE, ...updates)].map((network) =>
    lines(rendered(network, 'a').text),
  ) as [string[], string[]];
  expect(objections(rendered(networkOf(...BASE, ...updates), 'a').text)).toBe('');
  const rest = [...before];
  const added = after.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [...rest.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)];
}

it('the whole', () => {
  const { text, problems } = rendered(networkOf(...BASE), 'a');
  expect(text).toBe(readFileSync(new URL('testing/base.conf', import.meta.url), 'utf8'));
  expect(problems).toEqual([]);
  expect(objections(text)).toBe('');
});

it('nothing for a node that is unknown or has no address', () => {
  const options = { node: 'a', interfacePrefixes: ['cali'], password: () => null };
  expect(renderConfig(networkOf(), options)).toBeNull();
  expect(renderConfig(networkOf(stored('Node', 'a', {})), options)).toBeNull();
});

test.each<[string, Update[], string[]]>([
  [
    'mesh off',
    [configuration({ nodeToNodeMeshEnabled: false }), peer({})],
    ['- protocol bgp Mesh_10_1_0_2 {', '- local 10.1.0.1 port 179 as 64512;', '- neighbor 10.1.0.2 port 179 as 64512;'],
  ],
  ['AS number', [configuration({ asNumber: '1.10' })], ['+ local 10.1.0.1 port 179 as 65546;']],
  ['local AS of one peer', [peer({ localASNumber: 65100 })], ['+ local 10.1.0.1 port 179 as 65100;']],
  ['listen port', [configuration({ listenPort: 1790 })], ['+ neighbor 10.1.0.2 port 1790 as 64512;']],
  ['listen on the node’s address only', [configuration({ bindMode: 'NodeIP' })], ['+ strict bind on;']],
  [
    'log level',
    [configuration({ logSeverityScreen: 'Debug' })],
    ['- debug protocols { states };', '+ debug protocols all;'],
  ],
  ['password', [peer({ password: secret('tor') })], ['+ password "password-of-tor";']],
  ['password of the mesh', [configuration({ nodeMeshPassword: secret('mesh') })], ['+ password "password-of-mesh";']],
  ['next hop self', [peer({ nextHopMode: 'Self' })], ['+ next hop self;']],
  ['next hop kept', [peer({ keepOriginalNextHop: true })], ['+ next hop keep;']],
  ['any source address', [peer({ sourceAddress: 'None' })], ['+ local port 179 as 64512;']],
  ['restart time', [peer({ maxRestartTime: '20s' })], ['+ graceful restart time 20;']],
  ['restart time of the mesh', [configuration({ nodeMeshMaxRestartTime: '2m' })], ['+ graceful restart time 120;']],
  ['keepalive time', [peer({ keepaliveTime: '60s' })], ['- hold time 90;', '+ hold time 180;', '+ keepalive time 60;']],
  ['TTL security', [peer({ ttlSecurity: 2 })], ['- multihop;', '+ multihop 2;', '+ ttl security on;']],
  ['own AS in paths', [peer({ numAllowedLocalASNumbers: 2 })], ['+ allow local as 2;']],
  [
    'gateway to the peer',
    [peer({ reachableBy: '10.1.0.250' })],
    ['+ protocol static gateways4 {', '+ route 10.1.0.254/32 via 10.1.0.250;'],
  ],
  ['BFD', [peer({}, BFD)], ['+ protocol bfd { }', '+ direct;', '+ bfd graceful;']],
  [
    'ignored interfaces',
    [configuration({ ignoredInterfaces: ['docker0', 'br-*'] })],
    ['+ protocol direct { ipv4; ipv6; interface -"cali*", -"kube-ipvs*", -"docker0", -"br-*", "*"; }'],
  ],
  [
    'communities',
    [
      configuration({
        communities: [{ name: 'rack', value: '64512:7' }],
        prefixAdvertisements: [
          { cidr: '10.65.0.0/16', communities: ['rack', '1:2:3'] },
          { cidr: 'fd65::/64', communities: ['64512:9'] },
        ],
      }),
    ],
    [
      '+ if net ~ [ 10.65.0.0/16+ ] then bgp_community.add((64512, 7));',
      '+ if net ~ [ 10.65.0.0/16+ ] then bgp_large_community.add((1, 2, 3));',
      '+ if net ~ [ fd65::/64+ ] then bgp_community.add((64512, 9));',
    ],
  ],
  [
    'prefixes of services',
    [
      configuration({
        serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
        serviceExternalIPs: [{ cidr: '192.0.2.0/24' }],
        serviceLoadBalancerIPs: [{ cidr: '198.51.100.0/24' }],
      }),
    ],
    [
      '+ if net ~ [ 10.96.0.0/12+, 192.0.2.0/24+, 198.51.100.0/24+ ] then reject;',
      '+ protocol static services4 {',
      '+ route 10.96.0.0/12 blackhole;',
      '+ route 192.0.2.0/24 blackhole;',
      '+ route 198.51.100.0/24 blackhole;',
    ],
  ],
  [
    'a pool that peers are not told of',
    [pool('q', '10.66.0.0/16', { disableBGPExport: true })],
    ['+ if net ~ [ 10.66.0.0/16+ ] then reject;'],
  ],
  [
    'BIRD writes no routes of pools',
    [configuration({ programClusterRoutes: 'Disabled' })],
    ['+ if source = RTS_BGP && net ~ [ 10.65.0.0/16+ ] then reject;'],
  ],
  [
    'routes’ metric',
    [configuration({ ipv4NormalRoutePriority: 512 })],
    ['- if ! defined(krt_metric) then krt_metric = 2048;', '+ if ! defined(krt_metric) then krt_metric = 512;'],
  ],
])('%s', (_name, updates, expected) => {
  expect(changes(...updates)).toEqual(expect.arrayContaining(expected));
});

test('a route reflector has no mesh, and its peers of the same AS are its clients', () => {
  const network = networkOf(
    node('rr', { ipv4Address: '10.1.0.1/24', routeReflectorClusterID: '224.0.0.1' }, { rr: '' }),
    node('x', { ipv4Address: '10.1.0.2/24' }),
    node('y', { ipv4Address: '10.1.0.3/24', asNumber: 65001 }),
    stored('BGPPeer', 'rr', { nodeSelector: 'all()', peerSelector: 'has(rr)' }),
  );
  const { text } = rendered(network, 'rr');
  expect(objections(text)).toBe('');
  expect(text.match(/protocol bgp \w+|rr cl.*/g)).toEqual([
    'protocol bgp Node_10_1_0_2',
    'rr client;',
    'rr cluster id 224.0.0.1;',
    'protocol bgp Node_10_1_0_3',
  ]);
});

test('router id: of a node with IPv6 only a hash of its name; as it is set', () => {
  const network = networkOf(node('a', { ipv6Address: 'fd00::1/64' }));
  const idOf = (routerId?: string) => /router id (.*);/.exec(rendered(network, 'a', { routerId }).text)?.[1];
  expect(idOf()).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(idOf('hash')).toBe(idOf());
  expect(idOf('192.0.2.7')).toBe('192.0.2.7');
});

describe('filters', () => {
  const NAME = '4_f_1_78018998';
  const rules = (rule: object) =>
    changes(peer({ filters: ['f.1'] }), filter({ exportV4: [{ action: 'Accept', ...rule }] })).find((line) =>
      /accept; \}$/.test(line),
    );

  test('a session calls its functions before the default', () => {
    const found = changes(peer({ filters: ['f.1'] }), filter({ importV4: [{ action: 'Reject' }] }));
    expect(found.filter((line) => !/^\+ (}|)$/.test(line))).toEqual([
      '- import all;',
      '- export filter { communities4(); to_peers4(); };',
      `+ function import${NAME}(bool outside) {`,
      '+ { reject; }',
      `+ function export${NAME}(bool outside) {`,
      `+ import filter { import${NAME}(true); accept; };`,
      `+ export filter { communities4(); export${NAME}(true); to_peers4(); };`,
    ]);
  });

  test.each<[string, object, string]>([
    ['nothing asked', {}, '{ accept; }'],
    ['in', { cidr: '10.0.0.0/8', matchOperator: 'In' }, 'if net ~ [ 10.0.0.0/8{8,32} ] then { accept; }'],
    ['not in', { cidr: '10.0.0.0/8', matchOperator: 'NotIn' }, 'if ! (net ~ [ 10.0.0.0/8{8,32} ]) then { accept; }'],
    ['equal', { cidr: '10.0.0.0/8', matchOperator: 'Equal' }, 'if net = 10.0.0.0/8 then { accept; }'],
    ['not equal', { cidr: '10.0.0.0/8', matchOperator: 'NotEqual' }, 'if net != 10.0.0.0/8 then { accept; }'],
    [
      'lengths',
      { cidr: '10.0.0.0/8', matchOperator: 'In', prefixLength: { min: 16, max: 24 } },
      'if net ~ [ 10.0.0.0/8{16,24} ] then { accept; }',
    ],
    [
      'lengths that no prefix has',
      { cidr: '10.0.0.0/24', matchOperator: 'NotIn', prefixLength: { max: 16 } },
      'if ! (false) then { accept; }',
    ],
    [
      'not equal, with lengths',
      { cidr: '10.0.0.0/8', matchOperator: 'NotEqual', prefixLength: { min: 24 } },
      'if net != 10.0.0.0/8 && net.len >= 24 then { accept; }',
    ],
    ['source', { source: 'RemotePeers' }, 'if source = RTS_BGP then { accept; }'],
    ['interface', { interface: 'eth*' }, 'if ifname ~ "eth*" then { accept; }'],
    ['peers of other ASs', { peerType: 'eBGP' }, 'if outside then { accept; }'],
    ['peers of our AS', { peerType: 'iBGP' }, 'if ! outside then { accept; }'],
    ['community', { communities: { values: ['1:2'] } }, 'if (1, 2) ~ bgp_community then { accept; }'],
    ['large community', { communities: { values: ['1:2:3'] } }, 'if (1, 2, 3) ~ bgp_large_community then { accept; }'],
    ['path', { asPathPrefix: [65001, 65002] }, 'if bgp_path ~ [= 65001 65002 * =] then { accept; }'],
    ['priority', { priority: 512 }, 'if defined(krt_metric) && krt_metric = 512 then { accept; }'],
    ['normal priority', { priority: 2048 }, 'if (! defined(krt_metric) || krt_metric = 2048) then { accept; }'],
    [
      'operations',
      {
        operations: [
          { addCommunity: { value: '1:2' } },
          { addCommunity: { value: '1:2:3' } },
          { prependASPath: { prefix: [1, 2] } },
          { setPriority: { value: 5 } },
        ],
      },
      '{ bgp_community.add((1, 2)); bgp_large_community.add((1, 2, 3)); bgp_path.prepend(2); bgp_path.prepend(1); accept; }',
    ],
  ])('%s', (_name, rule, expected) => {
    expect(rules(rule)).toBe(`+ ${expected}`);
  });

  test('a priority is set on import', () => {
    const found = changes(
      peer({ filters: ['f.1'] }),
      filter({ importV4: [{ action: 'Accept', operations: [{ setPriority: { value: 5 } }] }] }),
    );
    expect(found).toContain('+ { krt_metric = 5; accept; }');
  });

  test('IPv6', () => {
    const found = changes(
      stored('BGPPeer', 'six', { peerIP: 'fd00::ff', asNumber: 65500, filters: ['f.1'] }),
      filter({ importV6: [{ action: 'Reject', cidr: 'fd66::/32', matchOperator: 'In', prefixLength: { max: 64 } }] }),
    );
    expect(found).toContain('+ if net ~ [ fd66::/32{32,64} ] then { reject; }');
  });

  test('one that does not exist closes the session’s routes, and is told', () => {
    const { text, problems } = rendered(networkOf(...BASE, peer({ filters: ['nosuch'] })), 'a');
    expect(text).toContain('import none;\n    export none;');
    expect(problems).toEqual([
      { session: 'Global_10_1_0_254', reason: 'BGPFilter nosuch does not exist: no route is taken or told' },
    ]);
  });
});

describe('a password that cannot be had', () => {
  const sessions = (password: object, read?: () => string) => {
    const network = networkOf(...BASE, peer({ password }));
    const { text, problems } = rendered(network, 'a', read ? { password: read } : {});
    return { there: text.includes('Global_10_1_0_254'), problems };
  };

  it('leaves its session out, and is told', () => {
    expect(sessions(secret('missing'))).toEqual({
      there: false,
      problems: [{ session: 'Global_10_1_0_254', reason: 'its password (missing/bgp) cannot be read' }],
    });
  });

  it('is none where it is optional', () => {
    expect(sessions(secret('missing', { optional: true }))).toEqual({ there: true, problems: [] });
  });

  it.each(['', 'two"words', 'a\nb', 'x'.repeat(81)])('cannot be %j', (text) => {
    const { there, problems } = sessions(secret('tor'), () => text);
    expect(there).toBe(false);
    expect(problems).toHaveLength(1);
  });
});
