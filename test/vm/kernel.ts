/**
 * Debian's kernel for VMs, unpacked and not installed: the program itself, its modules, and a first file system that mounts
 * the rest. Made once, in .cache/vm.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ArchiveEntry, cpio } from './cpio.ts';

export interface VmKernel {
  readonly version: string;
  /** Its modules are in lib/modules/VERSION below this directory. */
  readonly tree: string;
  /** Files for QEMU. */
  readonly image: string;
  readonly initramfs: string;
}

const META_PACKAGE = 'linux-image-amd64';
/** What it takes to mount the machine's / and to have random numbers at once. */
const FIRST_MODULES = ['virtio_pci', 'virtio_rng', 'overlay', '9p', '9pnet_virtio'];
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** Throws with the reason when it cannot be had. */
export function vmKernel(cache = resolve('.cache/vm')): VmKernel {
  const tree = join(cache, 'kernel');
  if (!existsSync(join(tree, 'complete'))) fetchKernel(tree);
  const version = readdirSync(join(tree, 'lib/modules'))[0] as string;
  const initramfs = join(cache, 'initramfs.gz');
  // Quickly made, and never out of date.
  writeFileSync(initramfs, gzipSync(cpio(firstFiles(tree, version)), { level: 1 }));
  return { version, tree, image: join(tree, 'vmlinux'), initramfs };
}

function fetchKernel(tree: string): void {
  const work = `${tree}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  const depends = run('apt-cache', ['depends', META_PACKAGE]).toString();
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (!name) throw new Error(`apt knows no ${META_PACKAGE}: apt-get update?`);
  run('apt-get', ['download', '-q', name], work);
  const file = readdirSync(work).find((one) => one.endsWith('.deb')) as string;
  run('dpkg-deb', ['-x', file, '.'], work);
  rmSync(join(work, file));
  const version = name.replace('linux-image-', '');
  run('depmod', ['-b', work, version]);
  writeFileSync(join(work, 'vmlinux'), uncompressed(join(work, `boot/vmlinuz-${version}`)));
  writeFileSync(join(work, 'complete'), '');
  rmSync(tree, { recursive: true, force: true });
  renameSync(work, tree);
}

/** QEMU starts it as it is several seconds sooner than it would unpack itself. */
function uncompressed(file: string): Buffer {
  const data = readFileSync(file);
  for (let at = data.indexOf(XZ_MAGIC); at >= 0; at = data.indexOf(XZ_MAGIC, at + 1)) {
    const unpacked = unpack(data.subarray(at));
    if (unpacked.subarray(0, 4).equals(ELF_MAGIC)) return unpacked;
  }
  throw new Error(`${file}: holds no kernel that xz packed`);
}

/** What follows the packed kernel makes xz complain in the end. */
function unpack(input: Buffer): Buffer {
  try {
    return run('xz', ['-dc'], undefined, input);
  } catch (error) {
    return (error as { stdout?: Buffer }).stdout ?? Buffer.alloc(0);
  }
}

function firstFiles(tree: string, version: string): ArchiveEntry[] {
  const wanted = ['-d', tree, '-S', version, '--show-depends', '-a', ...FIRST_MODULES];
  const lines = run('modprobe', wanted)
    .toString()
    .matchAll(/^insmod (\S+)/gm);
  const modules = [...new Set([...lines].map(([, path]) => path as string))];
  const directories = ['bin', 'proc', 'sys', 'dev', 'lower', 'upper', 'modules'];
  return [
    ...directories.map((path) => ({ path })),
    { path: 'init', data: readFileSync(new URL('init.sh', import.meta.url)) },
    { path: 'bin/busybox', data: readFileSync('/bin/busybox') },
    { path: 'modules/order', data: Buffer.from(modules.map((path) => basename(path)).join('\n')) },
    ...modules.map((path) => ({ path: `modules/${basename(path)}`, data: readFileSync(path) })),
  ];
}

function run(program: string, args: readonly string[], cwd?: string, input?: Buffer): Buffer {
  const options = { ...(cwd && { cwd }), ...(input && { input }), maxBuffer: 2 ** 28 };
  return execFileSync(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
}
