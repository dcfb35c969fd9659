/** The structure that the documents promise: rooms, their imports, error codes. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../src/errors/index.ts';

const table = JSON.parse(readFileSync('rooms.json', 'utf8')) as {
  pure: string[];
  edges: { from: string; to: string; why: string }[];
};

function cruise(...args: string[]): {
  summary: { violations: { rule: { name: string }; from: string; to: string }[]; totalCruised: number };
} {
  const run = (): string =>
    execFileSync('depcruise', ['--output-type', 'json', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  try {
    return JSON.parse(run());
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout);
  }
}

describe('the table of allowed imports', () => {
  it('gives a reason for every edge, once', () => {
    expect(table.edges.filter((edge) => !edge.why.trim())).toEqual([]);
    const names = table.edges.map((edge) => `${edge.from} → ${edge.to}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it('is kept by every file', () => {
    const { summary } = cruise('src');
    expect(summary.totalCruised).toBeGreaterThan(20);
    expect(summary.violations.map((v) => `${v.rule.name}: ${v.from} → ${v.to}`)).toEqual([]);
  });

  it('has no edge that no file uses', () => {
    const { modules } = JSON.parse(
      execFileSync('depcruise', ['--output-type', 'json', '--no-config', '--ts-pre-compilation-deps', 'src'], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      }),
    ) as { modules: { source: string; dependencies: { resolved: string }[] }[] };
    const room = (path: string): string => path.split('/')[1] as string;
    const used = new Set(modules.flatMap((m) => m.dependencies.map((d) => `${room(m.source)} → ${room(d.resolved)}`)));
    expect(table.edges.map((e) => `${e.from} → ${e.to}`).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('pure rooms', () => {
  const impure =
    /\bprocess\.|\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.|\bsetTimeout\(|\bglobalThis\./;
  it.each(table.pure)('%s reads no environment, clock or randomness', (room) => {
    const dir = join('src', room);
    const offenders = (existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : [])
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .filter((file) => impure.test(readFileSync(join(dir, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')));
    expect(offenders).toEqual([]);
  });
});

it('every error code is documented, and no other', () => {
  const documented = [...readFileSync('docs/reference/errors.md', 'utf8').matchAll(/^\| `(E_\w+)`/gm)].map((m) => m[1]);
  expect(documented.sort()).toEqual(Object.keys(CODES).sort());
});

describe('the documents', () => {
  const pages = ['README.md', ...globSync('docs/**/*.md')];
  const files = globSync('{src,test,scripts,bench}/**/*.ts');

  it.each(pages)('%s names files that there are', (page) => {
    const text = readFileSync(page, 'utf8');
    const named = [...text.matchAll(/`([\w./-]+\.ts)`/g)].map(([, name]) => name as string);
    expect(named.filter((name) => !files.some((file) => file === name || file.endsWith(`/${name}`)))).toEqual([]);
    const linked = [...text.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, link]) => join(dirname(page), link as string));
    expect(linked.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('are all to be found from the README', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(pages.slice(1).filter((page) => !readme.includes(`](${page})`))).toEqual([]);
  });
});
