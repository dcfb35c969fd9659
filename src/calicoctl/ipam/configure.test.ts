import { describe, expect, test } from 'vitest';
import { terminal } from '../testing/terminal.ts';

const KEY = '/calico/ipam/v2/config';

async function configured(stored: string | null, ...args: string[]) {
  const calicoctl = terminal();
  if (stored !== null) await calicoctl.store.put(KEY, stored);
  const done = await calicoctl.call(['ipam', 'configure', ...args]);
  const item = await calicoctl.store.get(KEY);
  return { ...done, stored: item?.value ?? null };
}

describe('ipam configure', () => {
  test('writes nothing where it is so already, also by default', async () => {
    expect(await configured(null, '--strictaffinity=false')).toEqual({
      exit: 0,
      out: 'Successfully set StrictAffinity to: false\n',
      stored: null,
    });
  });

  test('as Go reads truth values', async () => {
    for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True'])
      expect((await configured(null, `--strictaffinity=${text}`)).stored).toBe(
        '{"strict_affinity":true,"auto_allocate_blocks":true}',
      );
  });

  test('keeps what else is set, also what only others know', async () => {
    const before =
      '{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":5,"other":12345678901234567890}';
    const { stored } = await configured(before, '--ip-cooldown-seconds=60');
    expect(stored).toBe(
      '{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":5,"ipCooldownSeconds":60,"other":12345678901234567890}',
    );
  });

  test.each([
    [[]],
    [['--strictaffinity=maybe']],
    [['--strictaffinity=']],
    [['--max-blocks-per-host=many']],
    [['--max-blocks-per-host=-1']],
    [['--kubevirt-ip-persistence=enabled']],
    [['--ip-cooldown-seconds=1201']],
    [['--show-configuration']],
  ])('refuses %j', async (args) => {
    expect(await configured(null, ...args)).toMatchObject({
      exit: 1,
      out: expect.stringMatching(/^E_USAGE /),
      stored: null,
    });
  });

  test('refuses settings under which no host could get an address, or a limit that borrowing evades', async () => {
    const strict = '{"strict_affinity":true}';
    expect(await configured(strict, '--strictaffinity=false')).toMatchObject({ exit: 1, stored: strict });
    expect(await configured(null, '--max-blocks-per-host=2')).toMatchObject({ exit: 1, stored: null });
  });
});

test('ipam show --show-configuration shows what v3.15 does not know where it is set', async () => {
  const calicoctl = terminal();
  await calicoctl.call(['ipam', 'configure', '--strictaffinity=true', '--max-blocks-per-host=7']);
  const { out } = await calicoctl.call(['ipam', 'show', '--show-configuration']);
  expect(out).toBe(
    [
      '+--------------------+-------+',
      '|      PROPERTY      | VALUE |',
      '+--------------------+-------+',
      '| StrictAffinity     | true  |',
      '| AutoAllocateBlocks | true  |',
      '| MaxBlocksPerHost   |     7 |',
      '+--------------------+-------+',
      '',
    ].join('\n'),
  );
});
