import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { readResources } from './documents.ts';
import { processIo } from './io.ts';
import { parseObjects } from './yaml-objects.ts';

const stdin = (text: string) => ({ ...processIo, stdin: async () => text });

test('YAML as upstream reads it', () => {
  expect(parseObjects('a: y\nb: 20:30\nc: 2020-01-01\nd: 010\ne: 1_000\nf: e1\ng: 1e3\n', 'x')).toEqual([
    { a: true, b: '20:30', c: '2020-01-01', d: 8, e: 1000, f: 'e1', g: 1000 },
  ]);
});

test('documents, lists and empty documents', () => {
  const text =
    '---\na: 1\n---\n---\n- b: 1\n- [{c: 1}]\n---\napiVersion: projectcalico.org/v3\nkind: NodeList\nitems: [{d: 1}]\n';
  expect(parseObjects(text, 'x')).toEqual([{ a: 1 }, { b: 1 }, { c: 1 }, { d: 1 }]);
});

describe('what cannot be read', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n`;
  test.each([
    ['a: [b', 'E_FILE'],
    ['a:\n\t- b\n', 'E_FILE'],
    ['{"kind":', 'E_FILE'],
    ['a: *nowhere', 'E_FILE'],
    [bomb, 'E_FILE'],
    ['just text', 'E_INVALID'],
    ['[1, 2]', 'E_INVALID'],
    ['[null]', 'E_INVALID'],
    ['kind: 5', 'E_INVALID'],
    ['apiVersion: projectcalico.org/v3\nkind: 5', 'E_UNKNOWN_KIND'],
    ['apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: x', 'E_INVALID'],
  ])('%j', async (text, code) => {
    const errors = await readResources(stdin(text), '-', { namespace: 'n' }).catch((error) =>
      error instanceof AggregateError ? error.errors : [error],
    );
    for (const error of errors as unknown[]) expect(error).toMatchObject({ code });
    expect((errors as unknown[])[0]).toBeInstanceOf(CalicoError);
  });
});

test('a namespace for those that name none', async () => {
  const set = (name: string, namespace = '') =>
    `apiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: ${name}${namespace && `, namespace: ${namespace}`}}\n---\n`;
  const read = await readResources(stdin(set('a') + set('b', 'own')), '-', { namespace: 'given' });
  expect(read.map(({ metadata }) => metadata.namespace)).toEqual(['given', 'own']);
});

test('a folder: links to files are read, links to folders are not followed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'documents-'));
  try {
    const inside = join(folder, 'read');
    mkdirSync(join(inside, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'elsewhere'), 'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n1}\n');
    symlinkSync('../../elsewhere', join(inside, 'sub', 'n.yaml'));
    symlinkSync('..', join(inside, 'sub', 'up'));
    symlinkSync('..', join(inside, 'sub', 'up.yaml'));
    const read = await readResources(processIo, inside, { recursive: true });
    expect(read.map(({ metadata }) => metadata.name)).toEqual(['n1']);
    symlinkSync('nowhere', join(inside, 'none.yaml'));
    await expect(readResources(processIo, inside)).rejects.toMatchObject({ code: 'E_FILE' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
