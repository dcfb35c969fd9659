/** Templates, and what Go prints for them. */
import { expect, test } from 'vitest';
import { parseTemplate } from './template.ts';

const DATA = [
  {
    items: [
      { metadata: { name: 'a', labels: { x: '1', b: '2' } }, spec: { order: 5, nets: ['n1', 'n2'], on: true } },
      { metadata: { name: 'b' }, spec: {} },
    ],
  },
];
const each = (text: string) => `{{range .}}{{range .Items}}${text}{{end}}{{end}}`;

test.each([
  [each('{{.ObjectMeta.Name}},'), 'a,b,'],
  [each('{{join .Spec.Nets ";"}}|'), 'n1;n2||'],
  [each('{{join .ObjectMeta.Labels ","}}|'), 'b=2,x=1||'],
  [each('{{joinAndTruncate .Spec.Nets "," 4}}|'), 'n...||'],
  [each('{{if .Spec.On}}on{{else}}off{{end}} '), 'on off '],
  [each('{{if not .Spec}}none{{else if gt .Spec.Order 4}}high{{else}}low{{end}} '), 'high none '],
  [each('{{/* said to nobody */}}{{.metadata.name}}'), 'ab'],
  [each('{{with .Spec.Nets}}{{len .}}{{end}}'), '2'],
  ['{{range .}}{{ len .items -}}   {{- "x" }}{{end}}', '2x'],
  [each('{{printf "%s=%v " .ObjectMeta.Name .Spec.Order}}'), 'a=5 b= '],
  [each('{{eq .ObjectMeta.Name "a"}} '), 'true false '],
  ['{{printf "%d%%" 5}}', '5%'],
])('%s', (template, expected) => {
  expect(parseTemplate(template)(DATA)).toBe(expected);
});

test('what metadata has is the resource’s own, as in Go', () => {
  const resource = { apiVersion: 'v', kind: 'Node', metadata: { name: 'n', labels: { a: 'b' } } };
  expect(parseTemplate('{{.Name}} {{.Labels.a}} {{.Kind}}{{.Namespace}}')(resource)).toBe('n b Node');
  expect(() => parseTemplate('{{.Nonsense}}')(resource)).toThrow('Nonsense');
});

test.each(['{{.Bad', '{{end}}', '{{range .}}', '{{nonsense .}}', '{{toString}}', '{{"\\x41"}}'])(
  '%s is refused',
  (template) => {
    expect(() => parseTemplate(template)(DATA)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  },
);
