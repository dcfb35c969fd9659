import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configFromEnvironment } from '../datastore/config.ts';
import { felixConfiguration } from '../datastore/decode/felix-configuration.ts';
import { CalicoError } from '../errors/index.ts';
import { formatPortRange } from '../net/index.ts';
import { clientEnvironment, parseClientEnvironment, parseEnvironment } from './environment.ts';
import { parseFelixCfg } from './felix-cfg.ts';
import { type ConfigSources, datastoreConfig, type FelixConfig, resolveConfig } from './index.ts';
import { bool, type PortParameter } from './parameter-type.ts';
import { PARAMETERS } from './parameters.ts';

interface Example {
  value: string;
  result: unknown;
  invalid?: string;
  fatal?: string;
  validateError?: string;
}

interface RecordedParameter {
  name: string;
  env: string;
  type: string;
  default: string;
  effectiveDefault: unknown;
  examples: Example[];
}

function vectors<T>(file: string): T {
  const text = readFileSync(new URL(`../../test/vectors/felixconfig/${file}`, import.meta.url), 'utf8');
  return JSON.parse(text.replaceAll('<hostname>', HOSTNAME)) as T;
}

const HOSTNAME = 'this-host';
const FILES = ['/bin/sh', '/etc/hostname', '/tmp'];
const NOTHING: ConfigSources = { environment: {}, file: '', node: {}, global: {} };

function resolve(sources: Partial<ConfigSources>) {
  return resolveConfig({ ...NOTHING, ...sources }, HOSTNAME, (path) => FILES.includes(path));
}

const recorded = vectors<RecordedParameter[]>('felix-v3.15.0.json');
/** Of newer versions: parameters that v3.15 has not, and those whose values may be more now. */
const newer = vectors<RecordedParameter[]>('felix-v3.34-dev.json');
/** Of a list of ports: v3.15 refuses it, newer versions do not. */
const withNet = /^(tcp|udp):.*[./].*:\d+$/;
const added = newer.filter(({ name }) => !recorded.some((known) => known.name === name));
const properties = new Map(Object.keys(PARAMETERS).map((property) => [property.toLowerCase(), property]));
const types = new Map([...recorded, ...newer].map(({ name, type }) => [name, type]));

/** Our value of the parameter, written the way the recordings write it. */
function asRecorded(config: FelixConfig, name: string): unknown {
  const value = config[properties.get(name.toLowerCase()) as keyof FelixConfig] as never;
  return (WRITERS[types.get(name)!] ?? ((v: unknown) => v))(value);
}

const WRITERS: Record<string, (value: never) => unknown> = {
  regexp: (value: RegExp | null) => value?.source ?? null,
  'iface-list': (value: string[]) => value.join(','),
  'iface-list-regexp': (value: RegExp[]) => value.map((pattern) => pattern.source),
  'endpoint-list': (value: string[]) => orNull(value),
  'cidr-list': (value: string[]) => orNull(value),
  'port-list': (value: PortParameter[]) =>
    orNull(value.map(({ protocol, port }) => ({ Protocol: protocol, Port: port }))),
  portrange: (value: { min: number; max: number } | null) => (value ? formatPortRange(value) : '0'),
  'portrange-list': (value: { min: number; max: number }[]) => orNull(value.map(formatPortRange)),
  'route-table-range': ({ min, max }: { min: number; max: number }) => ({ Min: min, Max: max }),
};

function orNull(list: unknown[]): unknown {
  return list.length > 0 ? list : null;
}

const UNITS: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, µs: 1e-6 };

/** `1m30s` as the number that the parameter has: seconds or milliseconds. */
function asNumber(type: string, result: unknown): unknown {
  if (type !== 'seconds' && type !== 'millis') return result;
  const [, sign, rest = ''] = /^(-?)(.*)$/.exec(result as string) ?? [];
  let seconds = 0;
  for (const [, number, unit] of rest.matchAll(/([\d.]+)(h|ms|µs|m|s)/g)) seconds += Number(number) * UNITS[unit!]!;
  return (sign === '-' ? -seconds : seconds) * (type === 'millis' ? 1000 : 1) + 0;
}

describe('parameters', () => {
  test('every parameter is there, with its default', () => {
    const { config, problems } = resolve({});
    expect(problems).toEqual([]);
    const all = [...recorded, ...added];
    expect([...properties.keys()].sort()).toEqual(all.map(({ name }) => name.toLowerCase()).sort());
    for (const { name, type, effectiveDefault } of all) {
      expect(asRecorded(config, name), name).toEqual(asNumber(type, effectiveDefault));
    }
  });

  test.for([...recorded, ...added])('$name', ({ name, env, type, examples }) => {
    for (const { value, result, invalid, fatal, validateError } of examples) {
      if (value === 'NaN' || withNet.test(value)) continue;
      const { config, problems } = resolve({ environment: { [env]: value } });
      expect(asRecorded(config, name), value).toEqual(asNumber(type, result));
      expect(problems.length > 0, value).toBe(invalid !== undefined || validateError !== undefined);
      expect(
        problems.some((problem) => problem.fatal),
        value,
      ).toBe(fatal !== undefined || validateError !== undefined);
    }
  });

  test('failsafe ports may be open to some nets only', () => {
    const [{ env, examples }] = newer.filter(({ name }) => name === 'FailsafeInboundHostPorts') as [RecordedParameter];
    for (const { value, result, invalid } of examples) {
      const { config, problems } = resolve({ environment: { [env]: value } });
      if (value !== 'None' && value !== '') expect(config.failsafeInboundHostPorts, value).toEqual(result ?? []);
      expect(problems.length > 0, value).toBe(invalid !== undefined);
    }
    const felix = felixConfiguration(
      { kind: 'FelixConfiguration', name: 'default' },
      { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22, net: 'fd00::/8' }] },
    );
    const { config } = resolve({ global: felix.value.parameters });
    expect(config.failsafeInboundHostPorts).toEqual([{ protocol: 'tcp', port: 22, net: 'fd00::/8' }]);
  });

  test('NaN is no number of seconds, whatever upstream makes of it', () => {
    const { config, problems } = resolve({ environment: { FELIX_REPORTINGINTERVALSECS: 'NaN' } });
    expect(config.reportingIntervalSecs).toBe(30);
    expect(problems).toEqual([
      {
        subject: 'reportingIntervalSecs',
        message: '"NaN" from the environment: expected a number of seconds',
        fatal: false,
      },
    ]);
  });
});

describe('sources', () => {
  interface Step {
    source: string;
    set: Record<string, string>;
    effective: Record<string, unknown>;
    fatal?: string;
  }
  /** InternalOverride is upstream's way to change a parameter from within. */
  const sequences = vectors<{ 'v3.15.0': Step[] }[]>('sources.json').map((row) =>
    row['v3.15.0'].filter(({ source }) => source !== 'InternalOverride'),
  );

  test.for(sequences)('%j', (steps) => {
    const sources: { -readonly [K in keyof ConfigSources]: ConfigSources[K] } = { ...NOTHING };
    for (const { source, set, effective, fatal } of steps) {
      if (source === 'EnvironmentVariable') {
        sources.environment = Object.fromEntries(Object.entries(set).map(([name, value]) => [`FELIX_${name}`, value]));
      } else if (source === 'ConfigFile') {
        sources.file = Object.entries(set)
          .map(([name, value]) => `${name} = ${value}\n`)
          .join('');
      } else if (source === 'DatastorePerHost') {
        sources.node = set;
      } else {
        sources.global = set;
      }
      const { config, problems } = resolve(sources);
      expect(problems.some((problem) => problem.fatal)).toBe(fatal !== undefined);
      if (fatal !== undefined) continue;
      for (const [name, value] of Object.entries(effective)) {
        expect(asRecorded(config, name)).toEqual(asNumber(types.get(name)!, value));
      }
    }
  });

  test('an empty value leaves the word to the next source', () => {
    const { config } = resolve({
      environment: { FELIX_HEALTHPORT: '' },
      file: 'HealthPort=\n',
      global: { HealthPort: '9' },
    });
    expect(config.healthPort).toBe(9);
  });

  test('an unknown name is reported, and is not fatal', () => {
    const { problems } = resolve({ global: { HealthProt: '1' } });
    expect(problems).toEqual([
      { subject: 'healthprot', message: 'no such parameter, from the FelixConfiguration default', fatal: false },
    ]);
  });

  test('a file that cannot be read is fatal', () => {
    const { problems } = resolve({ file: '[global]\nNoValue\n' });
    expect(problems).toEqual([
      { subject: 'felix.cfg line 2', message: 'neither "name = value" nor a comment: NoValue', fatal: true },
    ]);
  });
});

describe('felix.cfg', () => {
  const files =
    vectors<{ file: string; 'v3.15.0': { params?: Record<string, string>; error?: string } }[]>('files.json');
  test.for(files)('$file', ({ file, 'v3.15.0': { params, error } }) => {
    if (error === undefined) expect(parseFelixCfg(file)).toEqual(params);
    else expect(() => parseFelixCfg(file)).toThrow(CalicoError);
  });

  test('comments after values, unless in quotes', () => {
    expect(parseFelixCfg('A = b # c\nC = "d # e" ; f')).toEqual({ A: 'b', C: 'd # e' });
  });
});

describe('environment', () => {
  const rows = vectors<{ env: string[]; 'v3.15.0': { params: Record<string, string> } }[]>('envs.json');
  test.for(rows)('$env', ({ env, 'v3.15.0': { params } }) => {
    const pairs = env.filter((line) => line.includes('=')).map((line) => /^([^=]*)=(.*)$/.exec(line)!.slice(1, 3));
    expect(parseEnvironment(Object.fromEntries(pairs))).toEqual(params);
  });

  test("the datastore client's variables are heeded, after Felix's own and before the file", () => {
    const environment = { ETCD_ENDPOINTS: 'http://a:1', CALICO_ETCD_CA_CERT_FILE: '/tmp', ETCD_USERNAME: 'felix' };
    expect(parseClientEnvironment(environment)).toEqual({ etcdendpoints: 'http://a:1', etcdcafile: '/tmp' });
    const file = 'EtcdEndpoints = http://c:1\n';
    const endpoints = (more: Record<string, string>) => {
      return resolve({ environment: { ...environment, ...more }, file }).config.etcdEndpoints;
    };
    expect(endpoints({})).toEqual(['http://a:1/']);
    expect(endpoints({ FELIX_ETCDENDPOINTS: 'http://b:1' })).toEqual(['http://b:1/']);
    expect(datastoreConfig(resolve({ environment }).config, environment)).toMatchObject({
      datastoreType: 'etcdv3',
      etcdEndpoints: 'http://a:1/',
      etcdCACertFile: '/tmp',
      etcdUsername: 'felix',
    });
  });

  test("the other programs of the host find the datastore by Felix's spellings, where the client's are not set", () => {
    const felix = { FELIX_ETCDENDPOINTS: 'https://b:1', Felix_EtcdCaFile: '/etc/ca.pem' };
    const plain = configFromEnvironment(clientEnvironment(felix));
    expect(plain).toMatchObject({
      datastoreType: 'etcdv3',
      etcdEndpoints: 'https://b:1',
      etcdCACertFile: '/etc/ca.pem',
    });
    const both = configFromEnvironment(clientEnvironment({ ...felix, ETCD_ENDPOINTS: 'https://c:1' }));
    expect(both).toMatchObject({ etcdEndpoints: 'https://c:1', etcdCACertFile: '/etc/ca.pem' });
  });

  test('without endpoints the address and scheme of etcd serve', () => {
    const { config } = resolve({ file: 'EtcdAddr = etcd:2379\nEtcdScheme = https\n' });
    expect(datastoreConfig(config, {}).etcdEndpoints).toBe('https://etcd:2379');
  });
});

test.each(['constructor', '__proto__', 'toString', 'maybe'])('%j is neither true nor false', (raw) => {
  expect(bool.parse(raw)).toBe(undefined);
});
