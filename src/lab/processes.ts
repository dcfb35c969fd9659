/** Which processes live in which of the lab's namespaces, by the namespaces' inodes. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { PREFIX } from './plan.ts';

export const NETNS = '/run/netns';

/** Names of all namespaces of a lab, whoever made them, complete or not. */
export function labNamespaces(): string[] {
  try {
    return readdirSync(NETNS).filter((name) => name.startsWith(PREFIX));
  } catch {
    return [];
  }
}

/** Namespace → its processes. One pass over /proc, whatever the number of namespaces. */
export function processesIn(namespaces: readonly string[]): Map<string, number[]> {
  const byInode = new Map<string, string>();
  for (const name of namespaces) {
    const inode = statSync(`${NETNS}/${name}`, { throwIfNoEntry: false })?.ino;
    if (inode !== undefined) byInode.set(`net:[${inode}]`, name);
  }
  const processes = new Map<string, number[]>();
  for (const entry of readdirSync('/proc')) {
    const namespace = /^\d+$/.test(entry) ? byInode.get(networkOf(entry)) : undefined;
    if (namespace !== undefined) processes.set(namespace, [...(processes.get(namespace) ?? []), Number(entry)]);
  }
  return processes;
}

function networkOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return ''; // it has just ended
  }
}
