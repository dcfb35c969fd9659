/** The ten most common mistakes, and what is said to each: docs/reference/calicoctl.md quotes it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { Client, MemoryStore } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { Io } from './io.ts';
import { run } from './program.ts';

const DOCUMENT = readFileSync(new URL('../../docs/reference/calicoctl.md', import.meta.url), 'utf8');

const head = (kind: string, name: string, more = '') =>
  `apiVersion: projectcalico.org/v3\nkind: ${kind}\nmetadata:\n  name: ${name}\n${more}`;

/** Mistake → the file, if it is about one, and the command line. */
const MISTAKES: Readonly<Record<string, { readonly file?: string; readonly argv: readonly string[] }>> = {
  'Wrong indent': {
    file: `${head('GlobalNetworkPolicy', 'web')}spec:\n  selector: role == 'web'\n   ingress:\n  - action: Allow\n`,
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Wrong kind': {
    file: head('GlobalNetworkPolices', 'web'),
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Missing name': {
    file: 'apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata:\n  labels: {role: web}\n',
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Bad selector': {
    file: `${head('GlobalNetworkPolicy', 'web')}spec:\n  selector: role = 'web'\n`,
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Bad CIDR': {
    file: `${head('IPPool', 'pool')}spec:\n  cidr: 10.0.0.0/33\n---\n${head('GlobalNetworkSet', 'web')}spec:\n  nets: [10.0.0/8]\n`,
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Unknown field': {
    file: `${head('GlobalNetworkPolicy', 'web')}spec:\n  selctor: role == 'web'\n  ingress:\n  - action: Allow\n    from: {nets: [10.0.0.0/8]}\n`,
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Ports without a protocol': {
    file: `${head('GlobalNetworkPolicy', 'web')}spec:\n  ingress:\n  - action: Allow\n    destination: {ports: [80]}\n`,
    argv: ['apply', '-f', 'web.yaml'],
  },
  'Wrong namespace': { argv: ['get', 'networkpolicy', 'db', '-n', 'porduction'] },
  'Stale resourceVersion': {
    file: `${head('GlobalNetworkSet', 'old', "  resourceVersion: '1'\n")}spec:\n  nets: [10.0.0.0/8]\n`,
    argv: ['replace', '-f', 'web.yaml'],
  },
  'etcd is down': { argv: ['get', 'nodes'] },
};

const store = new MemoryStore();
beforeAll(async () => {
  const set = `${head('GlobalNetworkSet', 'old')}---\n${head('NetworkPolicy', 'db', '  namespace: production\n')}`;
  expect((await call(['create', '-f', '-'], set)).exit).toBe(0);
});

/** As in a terminal: the file stands in for web.yaml. */
async function call(argv: readonly string[], file = '', up = true): Promise<{ exit: number; out: string }> {
  let out = '';
  const print = (text: string): void => {
    out += text;
  };
  const io: Io = {
    env: { ETCD_ENDPOINTS: 'http://10.0.0.1:2379' },
    directory: '/',
    stdin: async () => file,
    out: print,
    err: print,
    connect: async () => {
      if (up) return new Client(store);
      throw new CalicoError('E_DATASTORE', 'http://10.0.0.1:2379', 'No connection established', {
        hint: 'is etcd running there, and are the endpoints right (ETCD_ENDPOINTS)?',
      });
    },
  };
  const exit = await run(
    argv.map((arg) => (arg === 'web.yaml' ? '-' : arg)),
    io,
  );
  return { exit, out: out.replaceAll('standard input', 'web.yaml') };
}

describe.each(Object.entries(MISTAKES))('%s', (mistake, { file, argv }) => {
  test('is told as the reference quotes it', async () => {
    const { exit, out } = await call(argv, file, mistake !== 'etcd is down');
    expect(exit).toBe(1);
    const shown = file ? `\`\`\`yaml\n${file}\`\`\`\n\n` : '';
    const quoted = `### ${mistake}\n\n${shown}    $ calicoctl ${argv.join(' ')}\n${out.replace(/^(?=.)/gm, '    ')}`;
    expect(DOCUMENT).toContain(quoted);
  });
});
