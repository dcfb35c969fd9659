import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as messages from './messages.ts';
import { parseEndpoint } from './options.ts';
import { decode, encode, type Scalar, varint } from './wire.ts';

function fieldsOf(message: Buffer): [number, number | string][] {
  const out: [number, number | string][] = [];
  decode(message, {
    number: (field, value) => out.push([field, value]),
    bytes: (field, value) => out.push([field, value.toString('utf8')]),
  });
  return out;
}

describe('wire format', () => {
  test.each([
    [0, [0]],
    [127, [127]],
    [128, [128, 1]],
    [300, [0xac, 2]],
    [2 ** 32, [128, 128, 128, 128, 16]],
    [Number.MAX_SAFE_INTEGER, [255, 255, 255, 255, 255, 255, 255, 15]],
  ])('varint of %i', (value, bytes) => {
    expect([...varint(value)]).toEqual(bytes);
  });

  test('what is encoded is decoded', () => {
    const field = fc.tuple(
      fc.integer({ min: 1, max: 5000 }),
      fc.oneof(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.maxSafeNat().filter((n) => n > 0),
      ),
    );
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        expect(fieldsOf(encode(fields as [number, Scalar][]))).toEqual(fields);
      }),
    );
  });

  test('defaults are left out, empty messages are not', () => {
    expect(
      encode([
        [1, ''],
        [2, 0],
        [3, false],
        [4, undefined],
      ]),
    ).toEqual(Buffer.alloc(0));
    expect(fieldsOf(encode([[1, Buffer.alloc(0)]]))).toEqual([[1, '']]);
  });

  test('fields that nobody asks for are passed over, fixed-size ones too', () => {
    const fixed = Buffer.concat([varint((9 << 3) | 1), Buffer.alloc(8), varint((10 << 3) | 5), Buffer.alloc(4)]);
    const message = Buffer.concat([
      encode([
        [1, 'a'],
        [2, 5],
      ]),
      fixed,
      encode([[3, 'b']]),
    ]);
    const seen: number[] = [];
    decode(message, { bytes: (field) => void seen.push(field) });
    decode(message, { number: (field) => void seen.push(field) });
    expect(seen).toEqual([1, 3, 2]);
  });

  test('whatever the bytes, it ends or throws a RangeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decode(Buffer.from(bytes), {});
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('messages', () => {
  test('a range of a prefix', () => {
    expect(messages.rangeEnd('/calico/').toString()).toBe('/calico0');
    expect([...messages.rangeEnd('\u{10ffff}')]).toEqual([0xf4, 0x8f, 0xbf, 0xc0]);
    expect(fieldsOf(messages.encodeRange({ key: 'a', end: messages.rangeEnd('a'), limit: 10, revision: '7' }))).toEqual(
      [
        [1, 'a'],
        [2, 'b'],
        [3, 10],
        [4, 7],
      ],
    );
  });

  test('a comparison with "does not exist" is written, though it is zero', () => {
    const message = messages.encodeTransaction([{ key: 'a', revision: null }], [messages.operation.put('a', '1')]);
    const compare = Buffer.from(fieldsOf(message)[0]?.[1] as string, 'utf8');
    expect(fieldsOf(compare)).toEqual([
      [2, 2],
      [3, 'a'],
      [6, 0],
    ]);
  });
});

describe('endpoints', () => {
  test.each([
    ['http://10.0.0.1:2379', { address: '10.0.0.1:2379', host: '10.0.0.1', secure: false }],
    [' https://etcd.example.com:2379/ ', { address: 'etcd.example.com:2379', host: 'etcd.example.com', secure: true }],
    ['http://[fd00::1]:2379', { address: '[fd00::1]:2379', host: 'fd00::1', secure: false }],
  ])('%s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  test.each(['', '10.0.0.1:2379', 'ftp://a:1', 'http://', 'http://a b:1', 'http://a:99999'])('%j is none', (text) => {
    expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  });
});
