/**
 * Runs a command as root in a VM with Debian's kernel, for what the machine's own kernel lacks (IP-in-IP, WireGuard). The VM
 * sees this machine's files; what it writes is gone afterwards, but for one directory. Emulated, so that it needs no
 * virtualisation: everything in it is ten to forty times slower.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type VmKernel, vmKernel } from './kernel.ts';

const QEMU = 'qemu-system-x86_64';
/** As Debian has them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  [`/usr/bin/${QEMU}`]: 'qemu-system-x86',
  '/sbin/modprobe': 'kmod',
  '/bin/busybox': 'busybox-static',
};
const MEGABYTES = 3072;

export interface VmResult {
  /** The command's exit status; null: it did not end in time, or the VM did not start. */
  readonly status: number | null;
  /** What the command printed, both ways, and what the kernel said. */
  readonly output: string;
  /** Contents of a file that the command wrote in `$OUT`. */
  file(name: string): string;
}

/** Why there can be no VM here; null: there can. */
export function whyNoVm(): string | null {
  if (process.arch !== 'x64') return `the VM is an x86-64 one, this machine is ${process.arch}`;
  const missing = Object.entries(PROGRAMS).filter(([path]) => !existsSync(path));
  if (missing.length > 0) return `Debian packages are missing: ${missing.map(([, name]) => name).join(' ')}`;
  try {
    vmKernel();
    return null;
  } catch (error) {
    return `no kernel for it: ${error}`;
  }
}

/** In the present directory, with the present PATH; `$OUT` is a directory whose files come back. */
export async function runInVm(command: readonly string[], { seconds }: { seconds: number }): Promise<VmResult> {
  const out = mkdtempSync(join(tmpdir(), 'calico-vm-'));
  writeFileSync(join(out, 'start'), startScript(command), { mode: 0o755 });
  const output = await emulate(vmKernel(), out, seconds);
  const read = (name: string) => readFileSync(join(out, name), 'utf8');
  const files = new Map(readdirSync(out).map((name) => [name, read(name)]));
  rmSync(out, { recursive: true });
  const status = files.get('status');
  return { status: status === undefined ? null : Number(status), output, file: (name) => files.get(name) ?? '' };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Runs on the VM's root. It is the first process: when it ends, the kernel panics. */
function startScript(command: readonly string[]): string {
  return `#!/bin/bash
export PATH=${quoted(process.env.PATH ?? '')} HOME=/root LANG=C.UTF-8 OUT=/out
ip link set lo up
cd ${quoted(process.cwd())}
${command.map(quoted).join(' ')} </dev/null
echo $? >/out/status
sync
echo o >/proc/sysrq-trigger
sleep 60
`;
}

function emulate({ version, tree, image, initramfs }: VmKernel, out: string, seconds: number): Promise<string> {
  const kernelLine = `console=ttyS0 quiet loglevel=1 panic=-1 tsc=reliable nokaslr mitigations=off random.trust_cpu=on`;
  const share = (id: string, path: string, more = '') => [
    '-fsdev',
    `local,id=${id},path=${path},security_model=none${more}`,
    '-device',
    `virtio-9p-pci,fsdev=${id},mount_tag=${id}`,
  ];
  const qemu = spawn(QEMU, [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'qemu64', '-M', 'q35', '-m', `${MEGABYTES}`, '-smp', '2'],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-kernel', image, '-initrd', initramfs, '-append', `${kernelLine} tree=${tree} version=${version}`],
    ...share('root', '/', ',readonly=on,multidevs=remap'),
    ...share('out', out),
    ...['-device', 'virtio-rng-pci'],
  ]);
  let output = '';
  for (const stream of [qemu.stdout, qemu.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  const timer = setTimeout(() => qemu.kill('SIGKILL'), seconds * 1000);
  return new Promise((resolve, reject) => {
    qemu.on('error', reject);
    qemu.on('close', () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}
