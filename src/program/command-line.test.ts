import { expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { commandLine, VERSION } from './index.ts';

const program = {
  name: 'calico-thing',
  about: 'Does a thing.',
  options: { 'config-file': { short: 'c', value: 'file', about: 'configuration' } },
} as const;

test('help and version are printed instead of running', () => {
  expect(commandLine(program, ['--version'])).toEqual({ print: `calico-thing ${VERSION}\n` });
  for (const flag of ['--help', '-h'])
    expect(commandLine(program, [flag])).toEqual({
      print: `Usage: calico-thing [options]

Does a thing.

Options:
  -c, --config-file <file>  configuration
  -v, --version             show the version
  -h, --help                show this help
`,
    });
});

test("a program's own options", () => {
  expect(commandLine(program, [])).toEqual({ options: {} });
  expect(commandLine(program, ['-c', '/etc/a'])).toEqual({ options: { 'config-file': '/etc/a' } });
  expect(commandLine(program, ['--config-file=/etc/a'])).toEqual({ options: { 'config-file': '/etc/a' } });
});

test.for([['--bogus'], ['start'], ['-c'], ['--help=1']])('%s is not understood', (args) => {
  expect(() => commandLine(program, args)).toThrow(CalicoError);
});
