/** Forwarding entries of our VXLAN devices: behind which host is the MAC of another end of the tunnel? */
import { dumpFdb, encodeFdbDelete, encodeFdbReplace, type KernelFdbEntry } from '../../kernel/index.ts';
import type { Ip } from '../../net/index.ts';
import { DeviceEntries, type DeviceEntriesOptions } from '../device-entries.ts';

export interface FdbId {
  /** The VXLAN device's name; the entry waits until it exists and is up. */
  readonly device: string;
  readonly mac: string;
}

export interface FdbEntry extends FdbId {
  readonly host: Ip;
}

export class FdbDriver extends DeviceEntries<FdbId, FdbEntry, KernelFdbEntry> {
  constructor(options: DeviceEntriesOptions) {
    const { socket, links, ownsInterface } = options;
    const devices = () => [...links.links()].filter(({ name, vxlan }) => vxlan && ownsInterface(name));
    super(options, {
      noun: 'forwarding entry',
      key: ({ device, mac }) => `${device} ${mac.toLowerCase()}`,
      idOf: ({ mac }, device) => ({ device, mac }),
      toKernel: ({ mac, host }, link) => ({ link, mac: mac.toLowerCase(), host }),
      same: (a, b) => a.link === b.link && a.host === b.host,
      encodeReplace: encodeFdbReplace,
      encodeDelete: encodeFdbDelete,
      dump: () => devices().flatMap(({ index }) => dumpFdb(socket, index)),
    });
  }
}
