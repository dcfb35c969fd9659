/** The IP sets of a kernel model: nfnetlink's requests and its answers to lists (linux/netfilter/ipset/ip_set.h). */

import { attributes, eachAttribute, type Message, MessageWriter, messages, readText } from '../../src/kernel/index.ts';
import { readMember, writeMember } from '../../src/kernel/ipset-member.ts';

const COMMAND = { create: 2, destroy: 3, swap: 6, list: 7, add: 9, remove: 10 };
const NFGENMSG = 4;
const SETNAME = 2;
/** At create; at swap it is the second name. */
const TYPENAME = 3;
const FAMILY = 5;
const DATA = 7;
const MEMBERS = 8;

interface IpSet {
  readonly type: Parameters<typeof readMember>[0];
  readonly family: Buffer;
  /** What it was created with. */
  readonly data: Buffer;
  readonly members: Set<string>;
}

export class KernelSets {
  readonly sets = new Map<string, IpSet>();
  readonly #isUsed: (name: string) => boolean;
  readonly #refuse: (what: string) => void;

  constructor(isUsed: (name: string) => boolean, refuse: (what: string) => void) {
    this.#isUsed = isUsed;
    this.#refuse = refuse;
  }

  change({ type, payload }: Message): void {
    const command = type & 0xff;
    const found = attributes(payload, NFGENMSG);
    const name = textOf(found.get(SETNAME));
    const set = this.sets.get(name);
    if (command === COMMAND.create) {
      if (set) this.#refuse(`set ${name} exists`);
      const [family, data] = [found.get(FAMILY) as Buffer, found.get(DATA) as Buffer];
      this.sets.set(name, { type: textOf(found.get(TYPENAME)) as IpSet['type'], family, data, members: new Set() });
    } else if (!set) this.#refuse(`no set ${name}`);
    else if (command === COMMAND.destroy) {
      if (this.#isUsed(name)) this.#refuse(`set ${name} is in use`);
      this.sets.delete(name);
    } else if (command === COMMAND.swap) this.#swap(name, textOf(found.get(TYPENAME)));
    else this.#changeMembers(name, set, command, found.get(MEMBERS) as Buffer);
  }

  /** The members of a set, or the headers of all. */
  list({ payload }: Message): Message[] {
    const asked = attributes(payload, NFGENMSG).get(SETNAME);
    const sets = asked ? [...this.sets].filter(([name]) => name === textOf(asked)) : [...this.sets];
    return sets.flatMap(([name, { type, family, data, members }]) => {
      const w = new MessageWriter();
      w.begin(COMMAND.list, 0);
      w.u32(0);
      w.attributeText(SETNAME, name);
      w.attributeText(TYPENAME, type);
      w.attribute(FAMILY, family);
      w.attribute(DATA, data);
      const list = w.open(MEMBERS);
      for (const member of asked ? members : []) {
        const one = w.open(DATA);
        writeMember(w, type, member);
        w.close(one);
      }
      w.close(list);
      w.end();
      return [...messages(Buffer.from(w.bytes()))];
    });
  }

  #changeMembers(name: string, { type, members }: IpSet, command: number, list: Buffer): void {
    for (const [, data] of eachAttribute(list)) {
      const member = readMember(type, data);
      if (command === COMMAND.add) members.add(member);
      else if (!members.delete(member)) this.#refuse(`set ${name} has no ${member}`);
    }
  }

  #swap(a: string, b: string): void {
    const [first, second] = [this.sets.get(a), this.sets.get(b)];
    if (!first || !second) this.#refuse(`cannot swap ${a} and ${b}`);
    else this.sets.set(a, second).set(b, first);
  }
}

const textOf = (bytes: Buffer | undefined): string => (bytes ? readText(bytes) : '');
