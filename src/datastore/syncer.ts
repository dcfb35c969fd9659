/**
 * Follows a datastore: lists it, watches it, and reports each change as an update of the model.
 *
 * It never reports a deletion that did not happen. When a watch is lost, for whatever reason, it lists again and
 * reports only what differs from what it has reported; deletions only at the end of a list that is complete. While the
 * datastore does not answer, or is not to be believed (readiness.ts), everything stays as it was reported.
 */
import { setTimeout } from 'node:timers/promises';
import { CalicoError } from '../errors/index.ts';
import { idText, type SyncerSink, type Update } from '../model/index.ts';
import { BUILT_IN } from './decode/built-in.ts';
import { Feed } from './feed.ts';
import { IPAM_BLOCKS, RESOURCES } from './keys.ts';
import { Known } from './known.ts';
import { READINESS, Readiness } from './readiness.ts';
import { compareRevisions, type Store, type StoreEvent } from './store.ts';

export interface SyncerOptions {
  /** In [0, 1): spreads the retries of many syncers. */
  readonly random?: () => number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  /** Ends early when the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Told what keeps it from following, in words for people. */
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /**
   * Told once why the datastore, which answers, is not to be believed (E_NOT_READY, E_CLUSTER), and null when everything
   * of it has been reported again. It is logged unless somebody else takes it.
   */
  readonly onHeld?: (why: CalicoError | null) => void;
}

const PREFIXES = [RESOURCES, IPAM_BLOCKS];
/** Work this long, then let others run. */
const SLICE_MS = 10;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const READY_POLL_MS = 1_000;
/** Following for this long makes the next retry a first one. */
const STABLE_MS = 10_000;

export class Syncer {
  readonly #store: Store;
  readonly #sink: SyncerSink;
  readonly #options: Required<SyncerOptions>;
  readonly #known = new Known();
  readonly #readiness = new Readiness();
  readonly #stopping = new AbortController();
  #batch: Update[] = [];
  #sliceEnd = 0;
  #revision = '0';
  #lists = 0;
  #inSync = false;
  /** Whether the log has been told that the datastore cannot be read. */
  #isOut = false;
  /** Why the datastore is not believed, as it was told last. */
  #held = '';

  constructor(store: Store, sink: SyncerSink, options: SyncerOptions = {}) {
    this.#store = store;
    this.#sink = sink;
    const log = options.log ?? (() => {});
    this.#options = {
      random: options.random ?? Math.random,
      now: options.now ?? (() => performance.now()),
      sleep: options.sleep ?? ((milliseconds, signal) => setTimeout(milliseconds, undefined, { signal })),
      log,
      onHeld: options.onHeld ?? ((why) => why && log(why.message, fieldsOf(why))),
    };
  }

  /** To be called once. */
  start(): void {
    this.#sink.onStatus('wait');
    this.#sink.onUpdates(BUILT_IN);
    void this.#run();
  }

  /** The sink hears nothing after this. The store stays open. */
  stop(): void {
    this.#stopping.abort();
  }

  /** How often it has begun to list the datastore. */
  get lists(): number {
    return this.#lists;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopped; failures++) {
      const started = this.#options.now();
      try {
        await this.#untilReady();
        const revisions = await this.#list();
        if (!this.#stopped) await this.#follow(revisions);
      } catch (error) {
        this.#noteOutage(error);
        this.#flush();
      }
      if (this.#options.now() - started > STABLE_MS) failures = 0;
      if (!this.#stopped) await this.#pause(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS));
    }
  }

  /** Told once, whatever is tried meanwhile; null: it is over. */
  #noteOutage(error: unknown): void {
    const isOver = error === null;
    if (isOver !== this.#isOut) return;
    this.#isOut = !isOver;
    const { subject, message } = error instanceof CalicoError ? error : { subject: '', message: String(error) };
    if (isOver) this.#options.log('the datastore can be read again', {});
    else this.#options.log('the datastore cannot be read', { subject, message });
  }

  /** Waits while the datastore is not to be believed. What it is asked for is little, so that waiting costs it little. */
  async #untilReady(): Promise<void> {
    while (!this.#stopped) {
      const why = this.#readiness.judge((await this.#store.get(READINESS))?.value ?? null);
      if (!why) return;
      this.#hold(why);
      await this.#pause(READY_POLL_MS);
    }
  }

  /** Reports what differs from what has been reported. Resolves to the revision of each prefix's list. */
  async #list(): Promise<string[]> {
    const revisions: string[] = [];
    this.#lists++;
    this.#known.beginList();
    for (const prefix of PREFIXES) {
      let revision = '0';
      const pages = this.#store.pages(prefix);
      for await (const page of prefix === RESOURCES ? this.#readiness.believable(pages) : pages) {
        if (this.#stopped) return [];
        revision = page.revision;
        this.#newSlice();
        for (const item of page.items) {
          this.#report(this.#known.put(item));
          if (this.#options.now() > this.#sliceEnd) await this.#breathe();
        }
      }
      revisions.push(revision);
    }
    const [first, second] = revisions as [string, string];
    if (compareRevisions(second, first) < 0) {
      throw new CalicoError('E_DATASTORE', `revision ${second}`, `went back from ${first} while it was listed`);
    }
    this.#noteRevision(first);
    for (const update of this.#known.endList()) this.#report(update);
    this.#flush();
    this.#noteOutage(null);
    this.#hold(null);
    if (!this.#inSync && !this.#stopped) this.#sink.onStatus('in-sync');
    this.#inSync = true;
    return revisions;
  }

  /** Reports events until a watch is lost, or they show that this cannot go on. */
  async #follow(revisions: readonly string[]): Promise<void> {
    const feed = new Feed(this.#store, PREFIXES, revisions);
    const close = () => feed.close();
    this.#stopping.signal.addEventListener('abort', close);
    try {
      while (!this.#known.needsList) {
        const events = await feed.next();
        if (!events) break;
        this.#newSlice();
        for (const event of events) {
          if (!this.#onEvent(event)) return;
          if (this.#options.now() > this.#sliceEnd) await this.#breathe();
        }
        this.#flush();
      }
      if (feed.lost && !this.#stopped) this.#options.log('the watch is lost', { reason: feed.lost });
    } finally {
      this.#stopping.signal.removeEventListener('abort', close);
      feed.close();
      this.#flush();
    }
  }

  /** False when the event says that the datastore is not to be believed any more. */
  #onEvent({ key, value, revision }: StoreEvent): boolean {
    if (compareRevisions(revision, this.#revision) > 0) this.#revision = revision;
    if (key === READINESS && this.#readiness.judgeChange(value)) {
      // Who follows ClusterInformation is told why nothing else comes; one that is gone counts as not yet gone.
      if (value !== null) this.#report(this.#known.put({ key, value, revision }));
      return false;
    }
    this.#report(value === null ? this.#known.delete(key) : this.#known.put({ key, value, revision }));
    return true;
  }

  #noteRevision(revision: string): void {
    if (compareRevisions(revision, this.#revision) < 0) {
      const fields = { before: this.#revision, now: revision };
      this.#options.log('the datastore is behind what has been seen: has it been restored, or is it another?', fields);
    }
    this.#revision = revision;
  }

  #hold(why: CalicoError | null): void {
    const text = String(why ?? '');
    if (text === this.#held || this.#stopped) return;
    this.#held = text;
    this.#options.onHeld(why);
  }

  #report(update: Update | null): void {
    if (update) this.#batch.push(update);
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length > 0 && !this.#stopped) this.#tell(batch);
  }

  /**
   * What is known counts as told and is not told again. So a batch that the sink stumbles over is told one by one: what it
   * cannot take is named, everything else gets there.
   */
  #tell(batch: readonly Update[]): void {
    try {
      this.#sink.onUpdates(batch);
    } catch (error) {
      if (batch.length > 1) for (const update of batch) this.#tell([update]);
      else this.#options.log('an update could not be taken', { subject: idText(batch[0]!.id), message: String(error) });
    }
  }

  /** Hands over what there is and lets others run. */
  async #breathe(): Promise<void> {
    this.#flush();
    await new Promise((resolve) => setImmediate(resolve));
    this.#newSlice();
  }

  #newSlice(): void {
    this.#sliceEnd = this.#options.now() + SLICE_MS;
  }

  /** Between half of it and all of it. */
  async #pause(milliseconds: number): Promise<void> {
    const jittered = milliseconds * (0.5 + this.#options.random() / 2);
    await this.#options.sleep(jittered, this.#stopping.signal).catch(() => {});
  }
}

function fieldsOf({ code, subject, hint }: CalicoError): Record<string, unknown> {
  return { code, subject, hint };
}
