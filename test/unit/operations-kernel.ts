/** A kernel that does whatever it is asked and writes it down, for counting. */
import type { exec, Message } from '../../src/kernel/index.ts';
import type { FakeKernel, Netlink } from '../random/fake-kernel.ts';

/** Of linux/rtnetlink.h, and of linux/netfilter/ipset/ip_set.h. */
const MESSAGES: Readonly<Record<Netlink, Readonly<Record<number, string>>>> = {
  rtnetlink: { 24: 'route', 25: 'route removed', 28: 'neighbour', 29: 'neighbour removed' },
  ipset: { 2: 'set', 3: 'set removed', 6: 'sets swapped', 9: 'members', 10: 'members removed' },
};
const LINES: readonly (readonly [RegExp, string])[] = [
  [/^:/, 'chain'],
  [/^-X/, 'chain removed'],
  [/^-[AI]/, 'rule'],
  [/^-D/, 'rule removed'],
];

export interface Asked {
  /** For counting. */
  readonly what: string;
  /** In full. */
  readonly exactly: string;
}

export class RecordingKernel implements FakeKernel {
  readonly #log: Asked[] = [];

  /** What was asked since the last call. */
  take(): Asked[] {
    return this.#log.splice(0);
  }

  readonly run: typeof exec = async (program, args, { stdin = '' } = {}) => {
    this.#note('program run', [program, ...args].join(' '));
    for (const line of [...stdin].join('').split('\n')) {
      const what = LINES.find(([pattern]) => pattern.test(line))?.[1];
      if (what) this.#note(what, `${program} ${line}`);
    }
    return { status: 0, stdout: '', stderr: '' };
  };

  readonly sysctls = {
    read: (path: string): string => {
      this.#note('parameter read', path);
      return '';
    },
    write: (path: string, value: string): boolean => {
      this.#note('parameter written', `${path} ${value}`);
      return true;
    },
  };

  message(of: Netlink, { type, payload }: Message): void {
    this.#note(MESSAGES[of][type & 0xff] ?? `${of} ${type}`, payload.toString('hex'));
  }

  endConnections(address: string): void {
    this.#note('connections ended', address);
  }

  #note(what: string, exactly: string): void {
    this.#log.push({ what, exactly });
  }
}
