/** What is offered where, and that shells take the scripts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Terminal, terminal } from '../testing/terminal.ts';
import { SCRIPTS } from './scripts.ts';

let at: Terminal;
beforeAll(async () => {
  at = terminal();
  const set = (kind: string, name: string, more = '') =>
    `apiVersion: projectcalico.org/v3\nkind: ${kind}\nmetadata: {name: ${name}${more}}\n---\n`;
  const file =
    set('Node', 'n1') + set('Node', 'n2') + set('NetworkSet', 's', ', namespace: prod') + set('NetworkSet', 'd');
  await at.call(['create', '-f', '-'], file);
});

async function offered(...words: string[]): Promise<string[]> {
  const { out } = await at.call(['__complete', '--', ...words]);
  return out.split('\n').slice(0, -1);
}

test.each([
  [['ap'], ['apply']],
  [['get', 'node'], ['nodes']],
  [
    ['get', 'nodes', ''],
    ['n1', 'n2'],
  ],
  [
    ['delete', 'NODE', 'n1', 'n'],
    ['n1', 'n2'],
  ],
  [['get', 'networksets', '-n', 'prod', ''], ['s']],
  [['label', 'networkset', ''], ['d']],
  [['get', 'nodes', '-o', 'y'], ['yaml']],
  [['get', '-o', 'json', 'nodes', 'n2'], ['n2']],
  [
    ['apply', '--dry-run', ''],
    ['client', 'server'],
  ],
  [['apply', '--at'], ['--atomic']],
  [['apply', '-f', ''], []],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['get', 'nonsense', ''], []],
  [['explain-schema', 'tie'], ['tiers']],
])('%j', async (words, expected) => {
  expect(await offered(...words)).toEqual(expected);
});

test('a name that a shell would run is not offered', async () => {
  const hostile = { apiVersion: 'projectcalico.org/v3', kind: 'Tier', metadata: { name: '$(reboot)' }, spec: {} };
  await at.store.create('/calico/resources/v3/projectcalico.org/tiers/$(reboot)', JSON.stringify(hostile));
  expect(await offered('get', 'tiers', '')).toEqual([]);
});

test('every command is offered', async () => {
  expect(await offered('')).toEqual(expect.arrayContaining(['create', 'diff', 'explain', 'get', 'version']));
  expect(await offered('')).not.toContain('__complete');
});

describe.each(Object.entries(SCRIPTS))('%s', (shell, script) => {
  const present = spawnSync(shell, ['-c', 'true']).status === 0;
  test.skipIf(!present)('takes its script', () => {
    execFileSync(shell, ['-n'], { input: script });
  });
});

test('bash completes with it', () => {
  const line = `calicoctl() { printf '%s\\n' "$@" >&2; echo nodes; }; ${SCRIPTS.bash}
    COMP_WORDS=(calicoctl get no); COMP_CWORD=2; compopt() { :; }; _calicoctl; echo "\${COMPREPLY[@]}"`;
  expect(execFileSync('bash', ['-c', line], { encoding: 'utf8' })).toBe('nodes\n');
});
