/** Writes schemas/: what editors and Kubernetes are told of every kind, made from the schemas in src/api. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatedSchemas } from '../src/api/generated-schemas.ts';

const OUT = 'schemas';

rmSync(OUT, { recursive: true, force: true });
for (const [path, text] of generatedSchemas()) {
  mkdirSync(dirname(join(OUT, path)), { recursive: true });
  writeFileSync(join(OUT, path), text);
}
