import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { generatedSchemas } from './generated-schemas.ts';
import { KINDS } from './kinds.ts';

const FOLDER = new URL('../../schemas/', import.meta.url);
const generated = generatedSchemas();

test.each([...generated])('schemas/%s is what src/api says (else: node scripts/schemas.ts)', (path, text) => {
  expect(readFileSync(new URL(path, FOLDER), 'utf8')).toBe(text);
});

test('schemas/ has nothing else', () => {
  const files = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files).toHaveLength(generated.size);
});

interface Field {
  readonly path: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly min?: number;
  readonly max?: number;
}

/** Fields of upstream's newest CRDs, as recorded. */
const RECORDED = JSON.parse(
  readFileSync(new URL('../../test/vectors/kinds/v3.34-dev.json', import.meta.url), 'utf8'),
) as Record<string, { fields: Field[] }>;

/** Fields where ours say another thing, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'IPPool.spec.blockSize': 'its bounds depend on the version of IP',
  'BGPConfiguration.spec.listenPort': '0 is written as none',
};

type Node = { properties?: Record<string, Node>; items?: Node; additionalProperties?: Node | boolean } & Record<
  string,
  unknown
>;

function fieldAt(schema: Node, path: string): Node | undefined {
  const steps = path.replace(/^\./, '').split(/\.|(?=\[\])|(?=\{\})/);
  return steps.reduce<Node | undefined>((here, step) => {
    if (step === '[]') return here?.items;
    if (step === '{}') return here?.additionalProperties as Node | undefined;
    return here?.properties?.[step];
  }, schema);
}

describe("fields of upstream's newest CRDs", () => {
  test.each(Object.keys(RECORDED))('%s', (kind) => {
    const keeper = KINDS[kind]?.keeper !== undefined;
    if (keeper || !generated.has(`json/${kind}.json`)) return;
    const schema = JSON.parse(generated.get(`json/${kind}.json`) as string) as Node;
    const wrong: string[] = [];
    for (const { path, enum: words, min, max } of (RECORDED[kind] as { fields: Field[] }).fields) {
      if (`${kind}${path}` in DIFFERENT) continue;
      const field = fieldAt(schema, path);
      if (!field) wrong.push(`${path} is not known`);
      else if (words && field.enum && !words.every((word) => (field.enum as unknown[]).includes(word)))
        wrong.push(`${path}: ${field.enum}, not ${words}`);
      else if (min !== undefined && field.minimum !== min && !words)
        wrong.push(`${path}: at least ${field.minimum}, not ${min}`);
      else if (max !== undefined && field.maximum !== max && !words)
        wrong.push(`${path}: at most ${field.maximum}, not ${max}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('CRDs have a type, or say that they have several, everywhere', () => {
  const holes: string[] = [];
  const walk = (node: Node, path: string): void => {
    if (!node.type && !Object.keys(node).some((key) => key.startsWith('x-kubernetes'))) holes.push(path);
    for (const [name, inside] of Object.entries(node.properties ?? {})) walk(inside, `${path}.${name}`);
    if (node.items) walk(node.items, `${path}[]`);
    if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${path}{}`);
  };
  for (const [path, text] of generated)
    if (path.startsWith('crd/')) walk(parse(text).spec.versions[0].schema.openAPIV3Schema, path);
  expect(holes).toEqual([]);
});
