/**
 * Permanent neighbour entries and proxy entries: the desired ones, and on our own interfaces no others. What the kernel
 * has learnt is its own affair.
 */
import {
  dumpNeighbours,
  encodeNeighbourDelete,
  encodeNeighbourReplace,
  type KernelNeighbour,
} from '../../kernel/index.ts';
import type { Family, Ip } from '../../net/index.ts';
import { DeviceEntries, type DeviceEntriesOptions } from '../device-entries.ts';

export interface NeighbourId {
  /** The interface's name; the entry waits until it exists and is up. */
  readonly device: string;
  readonly address: Ip;
  /** The host answers for the address itself; there is no MAC then. */
  readonly proxy?: boolean;
}

export interface Neighbour extends NeighbourId {
  readonly mac?: string;
}

export interface NeighbourDriverOptions extends DeviceEntriesOptions {
  readonly families: readonly Family[];
}

export class NeighbourDriver extends DeviceEntries<NeighbourId, Neighbour, KernelNeighbour> {
  constructor(options: NeighbourDriverOptions) {
    super(options, {
      noun: 'neighbour',
      key: ({ device, address, proxy }) => `${device} ${address}${proxy ? ' proxy' : ''}`,
      idOf: ({ address, mac }, device) => ({ device, address, proxy: mac === null }),
      toKernel: ({ address, proxy, mac }, link) => ({
        link,
        address,
        mac: proxy ? null : (mac?.toLowerCase() ?? null),
      }),
      same: (a, b) => a.link === b.link && a.mac === b.mac,
      encodeReplace: encodeNeighbourReplace,
      encodeDelete: encodeNeighbourDelete,
      dump: () => options.families.flatMap((family) => dumpNeighbours(options.socket, family)),
    });
  }
}
