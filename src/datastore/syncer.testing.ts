/** For tests of syncers: a datastore that fails on demand, and a sink that remembers. */
import { CalicoError } from '../errors/index.ts';
import { idKey, type SyncerSink, type SyncStatus, type Update } from '../model/index.ts';
import { idOf } from './decode/index.ts';
import { MemoryStore } from './memory/store.ts';
import type { KeyValue, Page, Watch, WatchHandler, WatchLoss } from './store.ts';

/** A store in memory that can lose watches with all that is on its way, and fail. */
export class ScriptedStore extends MemoryStore {
  readonly watches = new Set<{ handler: WatchHandler; inner: Watch; lost: boolean }>();
  /** Pages until a list fails; endless when undefined. */
  pagesLeft: number | undefined;
  lists = 0;
  readonly deletions = new Map<string, number>();

  override async *pages(prefix: string): AsyncIterable<Page> {
    this.lists++;
    const { items, revision } = await this.list(prefix);
    for (let i = 0; i === 0 || i < items.length; i += 2) {
      if (this.pagesLeft !== undefined && this.pagesLeft-- <= 0) {
        this.pagesLeft = undefined;
        throw new CalicoError('E_DATASTORE', 'scripted', 'fails');
      }
      yield { items: items.slice(i, i + 2), revision };
      await turn();
    }
  }

  override watch(prefix: string, after: string, handler: WatchHandler): Watch {
    const entry = { handler, lost: false, inner: { close() {} } as Watch };
    entry.inner = super.watch(prefix, after, {
      onEvents: (events, revision) => entry.lost || handler.onEvents(events, revision),
      onLost: (reason) => entry.lost || handler.onLost(reason),
    });
    this.watches.add(entry);
    const close = () => {
      this.watches.delete(entry);
      entry.inner.close();
    };
    return { close };
  }

  override async delete(key: string, revision?: string): Promise<KeyValue | null> {
    const deleted = await super.delete(key, revision);
    const id = deleted && idOf(key);
    if (id) this.deletions.set(idKey(id), (this.deletions.get(idKey(id)) ?? 0) + 1);
    return deleted;
  }

  /** Events on their way are lost at once; that they are lost is known a little later. */
  lose(reason: WatchLoss): void {
    for (const entry of [...this.watches]) {
      entry.inner.close();
      entry.lost = true;
      setImmediate(() => {
        if (this.watches.delete(entry)) entry.handler.onLost(reason);
      });
    }
  }
}

export class FoldingSink implements SyncerSink {
  readonly state = new Map<string, Update>();
  readonly statuses: SyncStatus[] = [];
  readonly batches: Update[][] = [];
  readonly deletions = new Map<string, number>();

  onUpdates(updates: readonly Update[]): void {
    this.batches.push([...updates]);
    for (const update of updates) {
      const key = idKey(update.id);
      if (update.value === null && !update.invalid) {
        this.state.delete(key);
        this.deletions.set(key, (this.deletions.get(key) ?? 0) + 1);
      } else this.state.set(key, update);
    }
  }

  onStatus(status: SyncStatus): void {
    this.statuses.push(status);
  }

  get updates(): Update[] {
    return this.batches.flat();
  }
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
