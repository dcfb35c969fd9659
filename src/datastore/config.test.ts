import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configFromEnvironment } from './config.ts';
import { configFromFile } from './config-file.ts';

interface Row {
  env?: Record<string, string>;
  file?: string;
  'v3.15.0': { config?: unknown; error?: string };
}

function rows(name: string): Row[] {
  return JSON.parse(readFileSync(new URL(`../../test/vectors/datastore/${name}.json`, import.meta.url), 'utf8'));
}

describe('as upstream reads them', () => {
  test.each(rows('client-envs'))('environment $env', ({ env, 'v3.15.0': { config, error } }) => {
    if (error) expect(() => configFromEnvironment(env ?? {})).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
    else expect(configFromEnvironment(env ?? {})).toEqual(config);
  });

  test.each(rows('client-files'))('file $file', ({ file, 'v3.15.0': { config, error } }) => {
    if (error) expect(() => configFromFile(file ?? '')).toThrow(expect.objectContaining({ code: 'E_FILE' }));
    else expect(configFromFile(file ?? '')).toEqual((config as { spec: unknown }).spec);
  });
});

test('a value of the wrong type is named', () => {
  const file = 'apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nspec: {usePodCIDR: maybe}\n';
  expect(() => configFromFile(file)).toThrow(expect.objectContaining({ code: 'E_CONFIG', subject: 'spec.usePodCIDR' }));
});

interface Field {
  field: string;
  goType: string;
}

test.each(['v3.15.0', 'v3.34-dev'])('a file may have every field of %s', (version) => {
  const fields = JSON.parse(
    readFileSync(new URL('../../test/vectors/felixconfig/client-fields.json', import.meta.url), 'utf8'),
  )[version] as Field[];
  const value = ({ goType }: Field) => (goType === 'bool' ? true : /int|float/.test(goType) ? 5 : 'x');
  const spec = Object.fromEntries(fields.map((field) => [field.field, value(field)]));
  const file = JSON.stringify({ apiVersion: 'projectcalico.org/v3', kind: 'CalicoAPIConfig', spec });
  expect(configFromFile(file)).toMatchObject(spec);
});

test('a directory of manifests', () => {
  const env = { DATASTORE_TYPE: 'files', CALICO_MANIFESTS: '/m' };
  expect(configFromEnvironment(env)).toMatchObject({ datastoreType: 'files', manifests: '/m' });
  const file = 'apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nspec: {datastoreType: files, manifests: /m}\n';
  expect(configFromFile(file)).toMatchObject({ datastoreType: 'files', manifests: '/m' });
});
