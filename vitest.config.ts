import { defineConfig } from 'vitest/config';

// `unit` is pure and quick; `system` and `long` need root (namespaces, etcd, the kernel) and run one file at a time. Tests
// of theirs that are marked as concurrent mostly wait: three at once still leave a small machine idle.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxConcurrency: 3,
        },
      },
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          maxConcurrency: 3,
        },
      },
    ],
  },
});
