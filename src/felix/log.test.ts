import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type LogConfig, Logs } from './log.ts';

const directory = mkdtempSync(join(tmpdir(), 'felix-log-'));
const quiet: LogConfig = { logSeverityScreen: '', logSeverityFile: '', logSeveritySys: '', logFilePath: '' };
const messages = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

afterAll(() => rmSync(directory, { recursive: true }));

test('a file gets what is of its severity, which may change; another path is another file', () => {
  const [first, second] = [join(directory, 'new', 'felix.log'), join(directory, 'second.log')];
  const logs = new Logs({ ...quiet, logSeverityFile: 'WARNING', logFilePath: first });
  logs.logger.info('before');
  logs.logger.warn('warned');
  logs.configure({ ...quiet, logSeverityFile: 'DEBUG', logFilePath: first });
  logs.logger.debug('debugged');
  logs.configure({ ...quiet, logSeverityFile: 'INFO', logFilePath: second });
  logs.logger.info('elsewhere');
  logs.configure({ ...quiet, logFilePath: second });
  logs.logger.fatal('nowhere');
  expect(messages(first)).toEqual(['warned', 'debugged']);
  expect(messages(second)).toEqual(['elsewhere']);
});

test('the level is the lowest that anybody wants', () => {
  const logs = new Logs(quiet);
  expect(logs.logger.level).toBe('silent');
  logs.configure({ ...quiet, logSeverityScreen: 'FATAL', logSeveritySys: 'ERROR' });
  expect(logs.logger.level).toBe('error');
});

test('a file that cannot be written ends nothing', () => {
  const logs = new Logs({ ...quiet, logSeverityFile: 'INFO', logFilePath: '/proc/nowhere/felix.log' });
  logs.logger.info('told to nobody');
  expect(logs.logger.level).toBe('silent');
});
