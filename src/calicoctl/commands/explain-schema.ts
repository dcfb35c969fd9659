/** explain-schema: the handler. Asks no datastore. */
import { nearMiss } from '../../api/index.ts';
import { elementOf, fieldsOf } from '../../api/shape.ts';
import { CalicoError } from '../../errors/index.ts';
import { askedKind } from '../asked-kind.ts';
import type { Io } from '../io.ts';
import { aboutField, type FieldText, fieldsBelow, typeOf } from '../schema-text.ts';

/** Prints what `KIND` or `KIND.field.field` is, and the fields below it. */
export function explainSchema(io: Io, path: string): void {
  const [kind = '', ...steps] = path.split('.');
  const info = askedKind(kind);
  let schema = info.schema;
  for (const [i, step] of steps.entries()) {
    const fields = fieldsOf(elementOf(schema) ?? schema);
    const name = step.replace(/\[\d*\]$/, '');
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) throw noField([info.kind, ...steps.slice(0, i)].join('.'), step, Object.keys(fields));
    schema = field;
  }
  const about = steps.length > 0 ? aboutField(schema) : '';
  const head = [[info.kind, ...steps].join('.'), typeOf(schema), about].filter((text) => text !== '');
  io.out(`${head.join(': ')}\n`);
  const fields = fieldsBelow(schema);
  if (fields.length > 0) io.out(`\n${columns(fields)}`);
}

function columns(fields: readonly FieldText[]): string {
  const width = (column: 'name' | 'type') => Math.max(...fields.map((field) => field[column].length));
  const [name, type] = [width('name'), width('type')];
  return fields
    .map((field) => `  ${field.name.padEnd(name)}  ${field.type.padEnd(type)}  ${field.about}`.trimEnd())
    .join('\n')
    .concat('\n');
}

function noField(of: string, step: string, known: readonly string[]): CalicoError {
  const near = nearMiss(step, known);
  const hint = near ? `did you mean ${near}?` : known.length > 0 ? `it has ${known.join(', ')}` : 'it has no fields';
  return new CalicoError('E_USAGE', of, `has no field '${step}'`, { hint });
}
