/**
 * Whether what the datastore holds may be believed, as its ClusterInformation says. Nothing is believed of one that says it
 * is not ready, of one that was initialised and is so no longer, and of one that came back as another cluster's: whoever
 * believed those would take down what runs. Upstream believes the last one; docs/reference/datastore.md says why we do not.
 */
import { CalicoError } from '../errors/index.ts';
import { resourceKey } from './keys.ts';
import type { Page } from './store.ts';

/** Where it is written. */
export const READINESS = resourceKey('clusterinformations', 'default');

interface Said {
  readonly ready: boolean;
  /** Empty where none is written, or none can be read. */
  readonly guid: string;
}

export class Readiness {
  /** The clusterGUID of the datastore that is believed; null: it has never been initialised. */
  #guid: string | null = null;

  /** Why the datastore is not to be believed, by the ClusterInformation that a read found (null: none); null: it is. */
  judge(stored: string | null): CalicoError | null {
    const said = parse(stored);
    const why = objection(said, this.#guid);
    if (!why && said) this.#guid = said.guid;
    return why;
  }

  /** The same for one that a watch saw change: who sees it change knows that it is the same datastore still. */
  judgeChange(stored: string | null): CalicoError | null {
    const said = parse(stored);
    if (this.#guid !== null && said && (said.ready || said.guid !== '')) this.#guid = said.guid;
    return this.judge(stored);
  }

  /**
   * The pages of a list of all resources, held back until its ClusterInformation has been judged: it may be another than
   * the one that was read before the list. Throws the objection.
   */
  async *believable(pages: AsyncIterable<Page>): AsyncIterable<Page> {
    let held: Page[] | null = [];
    for await (const page of pages) {
      if (!held) {
        yield page;
        continue;
      }
      held.push(page);
      const reached = page.items.find(({ key }) => key >= READINESS);
      if (!reached) continue;
      this.#demand(reached.key === READINESS ? reached.value : null);
      yield* held;
      held = null;
    }
    if (!held) return;
    this.#demand(null);
    yield* held;
  }

  #demand(stored: string | null): void {
    const why = this.judge(stored);
    if (why) throw why;
  }
}

function parse(stored: string | null): Said | null {
  if (stored === null) return null;
  try {
    const { datastoreReady, clusterGUID } = JSON.parse(stored).spec ?? {};
    return { ready: datastoreReady !== false, guid: typeof clusterGUID === 'string' ? clusterGUID : '' };
  } catch {
    return { ready: false, guid: '' };
  }
}

function objection(said: Said | null, guid: string | null): CalicoError | null {
  if (said === null) {
    if (guid === null) return null;
    return notReady('has been initialised and is so no longer', 'has it been wiped? restore it');
  }
  if (!said.ready) {
    return notReady(
      'says that it is not ready',
      'an upgrade, a migration or a restore is under way; or: datastoreReady',
    );
  }
  // One that had none was initialised by hand, and gets one from whoever notices.
  if (guid === null || guid === '' || guid === said.guid) return null;
  return new CalicoError(
    'E_CLUSTER',
    READINESS,
    `the datastore came back as another cluster's: its clusterGUID was ${guid} and is ${said.guid || 'none'}`,
    {
      hint: 'has it been wiped, or is it the wrong one? restore it; or, where this one is right, restart this program',
    },
  );
}

function notReady(what: string, hint: string): CalicoError {
  return new CalicoError('E_NOT_READY', READINESS, `the datastore ${what}`, { hint });
}
