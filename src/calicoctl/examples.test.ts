import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readResources } from './documents.ts';
import { processIo } from './io.ts';

const directory = fileURLToPath(new URL('../../examples/', import.meta.url));

// A topology is for `calico lab up`, the others for calicoctl.
const files = readdirSync(directory).filter((file) => file.endsWith('.yaml') && !file.startsWith('topology'));

test.each(files)('examples/%s is valid', async (file) => {
  expect((await readResources({ ...processIo, directory }, file)).length).toBeGreaterThan(0);
});
