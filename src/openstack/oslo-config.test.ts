import { expect, test } from 'vitest';
import { OsloConfig } from './oslo-config.ts';

function configOf(...texts: string[]): OsloConfig {
  const config = new OsloConfig();
  for (const [i, text] of texts.entries()) config.add(text, `file${i}`);
  return config;
}

test('sections, comments, values over several lines, dashes', () => {
  const config = configOf('a = 1\n# no\n; no\n[calico]\netcd-host: 10.0.0.1\nlong = one\n  two\n\n[x]\na = "q"\n');
  expect(config.get('DEFAULT', 'a')).toBe('1');
  expect(config.get('calico', 'etcd_host')).toBe('10.0.0.1');
  expect(config.get('calico', 'long')).toBe('one\ntwo');
  expect(config.get('x', 'a')).toBe('q');
  expect(config.get('x', 'b')).toBeUndefined();
});

test('what comes later wins, in another file too', () => {
  expect(configOf('a=1\na=2', '[DEFAULT]\na=3').get('DEFAULT', 'a')).toBe('3');
});

test('the values of other options', () => {
  const config = configOf(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: oslo.config's own placeholders
    'host = h\n[calico]\nport = 1\nurl = http://$host:${port}/${x.y}\ncost = $$5 $none\nself = $self\n[x]\ny = z',
  );
  expect(config.get('calico', 'url')).toBe('http://h:1/z');
  expect(config.get('calico', 'cost')).toBe('$5 $none');
  expect(config.get('calico', 'self')).toBe('$self');
});

test('what is no such file, and no number, is told', () => {
  expect(() => configOf('[calico')).toThrow('neither a section nor an option');
  expect(() => configOf('a = x').number('DEFAULT', 'a', 1)).toThrow('no whole number');
  expect(configOf('').number('DEFAULT', 'a', 7)).toBe(7);
});
