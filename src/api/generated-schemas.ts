/** The files of schemas/. */
import { stringify } from 'yaml';
import { customResourceDefinition } from './crd.ts';
import { jsonSchema } from './json-schema.ts';
import { KINDS } from './kinds.ts';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
/** In Kubernetes these are made of its own resources, or are no resources at all. */
const WITHOUT_CRD = ['IPAMConfiguration', 'LiveMigration', 'Node', 'Profile', 'WorkloadEndpoint'];

/** Path below schemas/ → text. */
export function generatedSchemas(): Map<string, string> {
  const kinds = Object.values(KINDS);
  const people = kinds.filter(({ keeper }) => !keeper);
  const any = {
    $schema: DIALECT,
    title: 'A resource of Calico',
    oneOf: people.map(({ kind }) => ({ $ref: `./${kind}.json` })),
  };
  return new Map([
    ['json/resource.json', json(any)],
    ...people.map(({ kind, schema }): [string, string] => [
      `json/${kind}.json`,
      json({ $schema: DIALECT, title: kind, ...jsonSchema(schema as never) }),
    ]),
    ...kinds
      .filter(({ kind }) => !WITHOUT_CRD.includes(kind))
      .map((info): [string, string] => [
        `crd/${info.plural}.yaml`,
        stringify(customResourceDefinition(info), { lineWidth: 0, aliasDuplicateObjects: false }),
      ]),
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}
