/** Where things stand: file, document, line and column of what is wrong. */
import { expect, test } from 'vitest';
import { readResources } from './documents.ts';
import { processIo } from './io.ts';
import { parseText } from './yaml-objects.ts';

async function problems(text: string): Promise<string[]> {
  const io = { ...processIo, stdin: async () => text };
  const error = await readResources(io, '-').then(
    () => new AggregateError([]),
    (error) => error,
  );
  return (error instanceof AggregateError ? error.errors : [error]).map(String);
}

const TWO = `# a comment
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: p
spec:
  selctor: all()
  ingress:
  - action: Alow
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pool}
spec: {cidr: nonsense}
`;

test('every field that is wrong, each with its place and what was meant', async () => {
  expect(await problems(TWO)).toEqual([
    'E_INVALID GlobalNetworkPolicy p: spec.selctor: no such field; did you mean selector? (standard input, document 1, line 7, column 3)',
    "E_INVALID GlobalNetworkPolicy p: spec.ingress[0].action: found 'Alow', expected one of Allow, Deny, Log, Pass; did you mean Allow? (standard input, document 1, line 9, column 5)",
    expect.stringMatching(
      /^E_INVALID IPPool pool: spec\.cidr: found 'nonsense', .* \(standard input, document 2, line 14, column 8\)$/,
    ),
  ]);
});

test('one document needs no number; a missing field is where it ought to be', async () => {
  expect(await problems('kind: Node\napiVersion: v9\n')).toEqual([
    "E_INVALID resource: apiVersion: found 'v9', expected projectcalico.org/v3 (standard input, line 2, column 1)",
  ]);
  expect(
    await problems(
      'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: p\nspec:\n  natOutgoing: true\n',
    ),
  ).toEqual([expect.stringMatching(/spec\.cidr.*line 5, column 1\)$/)]);
});

test('a document that is no YAML does not hide what is wrong in the others', async () => {
  const errors = await problems(`a: [b\n---\nkind: Nod\napiVersion: projectcalico.org/v3\n`);
  expect(errors).toEqual([
    expect.stringMatching(/^E_FILE standard input, document 1, line \d+, column \d+: is not YAML or JSON: /),
    "E_UNKNOWN_KIND kind: 'Nod' is not a kind of resource (did you mean Node?; standard input, document 2, line 3, column 1)",
  ]);
});

test('members of lists, behind aliases, in any case', () => {
  const text = '- &a {Spec: {nets: [x]}}\n- kind: NodeList\n  apiVersion: projectcalico.org/v3\n  items:\n  - *a\n';
  const { objects } = parseText(text, 'f');
  expect(objects.map(({ where }) => where(['spec', 'nets', 0]))).toEqual([
    'f, line 1, column 21',
    'f, line 1, column 21',
  ]);
});
