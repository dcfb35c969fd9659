import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvents } from './events.ts';
import { attributes, eachAttribute, MessageWriter, messages, NLM_F_ACK, readText, readU32 } from './message.ts';

const written = (w: MessageWriter): Buffer => Buffer.from(w.bytes());

describe('what is written is read', () => {
  const attribute = fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), value: fc.uint8Array({ maxLength: 40 }) });
  const message = fc.record({
    type: fc.integer({ min: 16, max: 0xffff }),
    sequence: fc.integer({ min: 0, max: 0xffffffff }),
    fixed: fc.integer({ min: 0, max: 0xffffffff }),
    list: fc.array(attribute, { maxLength: 6 }),
  });

  test('messages and attributes of any length', () => {
    fc.assert(
      fc.property(fc.array(message), (list) => {
        const w = new MessageWriter();
        for (const m of list) {
          w.begin(m.type, 0);
          w.u32(m.fixed);
          for (const { type, value } of m.list) w.attribute(type, value);
          w.end();
          w.stamp(m.sequence, NLM_F_ACK);
        }
        const read = [...messages(written(w))].map(({ type, flags, sequence, payload }) => ({
          type,
          flags,
          sequence,
          fixed: readU32(payload),
          list: [...eachAttribute(payload, 4)].map(([t, value]) => ({ type: t, value: Uint8Array.from(value) })),
        }));
        expect(read).toEqual(list.map((m) => ({ ...m, flags: NLM_F_ACK | 1 })));
      }),
    );
  });

  test('nested attributes, numbers and text', () => {
    const w = new MessageWriter();
    w.begin(16, 0);
    const outer = w.open(1);
    w.attributeU8(1, 7);
    const inner = w.open(2);
    w.attributeU16Be(3, 0x1234);
    w.attributeU32Be(4, 0x12345678);
    w.close(inner);
    w.attributeText(5, 'cali1');
    w.close(outer);
    w.end();
    const [only] = [...messages(written(w))];
    const found = attributes(attributes(only!.payload).get(1)!);
    expect([...found.keys()]).toEqual([1, 2, 5]);
    expect(found.get(1)![0]).toBe(7);
    expect(readText(found.get(5)!)).toBe('cali1');
    const nested = attributes(found.get(2)!);
    expect(nested.get(3)!.toString('hex')).toBe('1234');
    expect(nested.get(4)!.toString('hex')).toBe('12345678');
  });

  test('more than the buffer holds at first', () => {
    const w = new MessageWriter();
    const big = new Uint8Array(50_000).fill(9);
    w.begin(16, 0);
    w.attribute(1, big);
    w.end();
    w.begin(17, 0);
    w.end();
    expect([...messages(written(w))].map(({ type }) => type)).toEqual([16, 17]);
    expect(Uint8Array.from(attributes([...messages(written(w))][0]!.payload).get(1)!)).toEqual(big);
  });
});

test('a datagram that is cut short is read as far as it goes', () => {
  const w = new MessageWriter();
  for (const type of [100, 101]) {
    w.begin(type, 0);
    w.attributeText(1, 'some text');
    w.end();
  }
  const whole = written(w);
  for (let length = 0; length < whole.length; length++) {
    const part = [...messages(whole.subarray(0, length))];
    expect(part.length).toBe(length >= whole.length / 2 ? 1 : 0);
    expect([...decodeEvents(whole.subarray(0, length), 0)]).toEqual([]);
  }
});
