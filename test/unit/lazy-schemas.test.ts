/** Programs that follow a datastore of etcd load neither schemas nor YAML: that is memory on every host. */
import { build, type Metafile } from 'esbuild';
import { expect, test } from 'vitest';

/** What is loaded at start: the entry's chunk, and what it imports other than lazily. */
function loadedAtStart({ outputs }: Metafile): string[] {
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === 'src/felix/main.ts') as string;
  const chunks = new Set([entry]);
  for (const chunk of chunks)
    for (const { path, kind } of outputs[chunk]?.imports ?? [])
      if (kind === 'import-statement' && outputs[path]) chunks.add(path);
  return [...chunks].flatMap((chunk) => Object.keys(outputs[chunk]?.inputs ?? {}));
}

test('Felix', async () => {
  const { metafile } = await build({
    entryPoints: ['src/felix/main.ts'],
    outdir: 'nowhere',
    write: false,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    logLevel: 'error',
  });
  const loaded = loadedAtStart(metafile);
  expect(loaded.length).toBeGreaterThan(100);
  expect(loaded.filter((path) => /node_modules\/(zod|yaml)\//.test(path))).toEqual([]);
});
