/** An archive in cpio's "newc" form, which is what Linux takes as its first file system. */
export interface ArchiveEntry {
  readonly path: string;
  /** Absent: a directory. */
  readonly data?: Buffer;
}

const DIRECTORY = 0o40755;
const PROGRAM = 0o100755;

export function cpio(entries: readonly ArchiveEntry[]): Buffer {
  const parts = entries.map(({ path, data }, i) => member(path, data ? PROGRAM : DIRECTORY, data, i + 1));
  return Buffer.concat([...parts, member('TRAILER!!!', 0, undefined, 0)]);
}

function member(path: string, mode: number, data: Buffer = Buffer.alloc(0), inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, mtime, size, device and special device (major, minor), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(data)]);
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
}
