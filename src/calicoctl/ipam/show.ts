/** ipam show: how full pools are, who has an address, what is borrowed, how allocation is set. */
import type { Store } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { Ipam } from '../../ipam/index.ts';
import type { Ip } from '../../net/index.ts';
import { errorLines } from '../error-lines.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { parseAddress } from './address.ts';
import { borrowedTable } from './borrowed.ts';
import { configurationTable } from './configure.ts';
import { readAllPools, readBlocks, readReservations } from './inventory.ts';
import { usageTable } from './usage.ts';

export interface ShowOptions {
  readonly config?: string;
  readonly ip?: string;
  readonly showBlocks?: boolean;
  readonly showBorrowed?: boolean;
  readonly showConfiguration?: boolean;
}

export async function show(io: Io, options: ShowOptions): Promise<void> {
  const address = options.ip === undefined ? undefined : parseAddress('--ip', options.ip);
  io.out(await withClient(io, options.config, ({ store }) => text(io, store, address, options)));
}

async function text(io: Io, store: Store, address: Ip | undefined, options: ShowOptions): Promise<string> {
  const warn = (problem: CalicoError) => io.err(`${errorLines(problem).join('\n')}\n`);
  if (address !== undefined) return ownerText(store, address);
  if (options.showConfiguration) return configurationTable(await new Ipam(store).config());
  if (options.showBorrowed) return borrowedTable(await readBlocks(store, warn));
  const [pools, blocks] = [await readAllPools(store), await readBlocks(store, warn)];
  return usageTable(pools, blocks, await readReservations(store, warn), options.showBlocks ?? false);
}

async function ownerText(store: Store, address: Ip): Promise<string> {
  try {
    const { attributes } = await new Ipam(store).ownerOf(address);
    const lines = Object.entries(attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = lines.map(([name, value]) => `  ${name}: ${value}\n`).join('');
    return `IP ${address} is in use\n${shown === '' ? 'No attributes defined\n' : `Attributes:\n${shown}`}`;
  } catch (error) {
    if (error instanceof CalicoError && error.code === 'E_NOT_FOUND') return `${address} is not assigned\n`;
    throw error;
  }
}
