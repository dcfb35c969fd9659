/** Bundles the programs into dist/: one file each, quick to start. `--if-stale`: only when a source is newer. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Program → its entry. Workers are entries of their own, because they are loaded by path at run time. */
const ENTRIES: Record<string, string> = {
  calico: 'src/lab/main.ts',
  calicoctl: 'src/calicoctl/main.ts',
  'calico-felix': 'src/felix/main.ts',
  'calico-bgp': 'src/bgp/main.ts',
  'calico-node': 'src/node/main.ts',
  'calico-openstack': 'src/openstack/service/main.ts',
  'lab-probe': 'src/lab/probe.ts',
  'notify-worker': 'src/kernel/notify-worker.ts',
};
const STAMP = 'dist/.built';

function newest(dir: string): number {
  return Math.max(
    ...readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

function isStale(): boolean {
  try {
    const built = statSync(STAMP).mtimeMs;
    return Math.max(newest('src'), statSync('package-lock.json').mtimeMs, statSync('scripts/build.ts').mtimeMs) > built;
  } catch {
    return true;
  }
}

if (!process.argv.includes('--if-stale') || isStale()) {
  const started = Date.now();
  rmSync('dist', { recursive: true, force: true });
  mkdirSync('dist', { recursive: true });
  // Each by itself: chunks shared between programs would bring one what only the others need.
  await Promise.all(Object.entries(ENTRIES).map(([name, path]) => bundle(name, path)));
  writeFileSync(STAMP, '');
  console.error(`built dist/ in ${Date.now() - started} ms`);
}

function bundle(name: string, path: string) {
  return build({
    entryPoints: [{ in: path, out: name }],
    outdir: 'dist',
    bundle: true,
    splitting: true, // what a command imports lazily is not parsed by the others
    chunkNames: `${name}-[hash]`,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    sourcemap: true,
    external: ['koffi'], // a native module finds its own binary
    loader: { '.proto': 'text' },
    // CommonJS packages inside an ES module bundle still call require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
}
