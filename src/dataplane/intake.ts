/** Takes updates in. One that cannot be taken waits, and with it those of the same thing; all others go on. */
import type { DataplaneUpdate } from '../calc/index.ts';
import { idText } from '../model/index.ts';
import type { Faults } from './faults.ts';

export class Intake {
  readonly #take: (update: DataplaneUpdate) => void;
  readonly #faults: Faults;
  /** By what they are about, in order: the first could not be taken. */
  readonly #waiting = new Map<string, DataplaneUpdate[]>();

  constructor(take: (update: DataplaneUpdate) => void, faults: Faults) {
    this.#take = take;
    this.#faults = faults;
  }

  /** One a step; those that wait are tried again before what is new. */
  *take(updates: readonly DataplaneUpdate[]): Generator<void> {
    for (const subject of [...this.#waiting.keys()]) this.#try(subject);
    for (const update of updates) {
      const subject = subjectOf(update);
      const before = this.#waiting.get(subject);
      // All but a delta say all there is to say: what was said before is of no interest.
      this.#waiting.set(subject, update.type === 'set-delta' && before ? [...before, update] : [update]);
      this.#try(subject);
      yield;
    }
  }

  #try(subject: string): void {
    const updates = this.#waiting.get(subject) ?? [];
    const isTaken = this.#faults.attempt(subject, () => {
      for (let next = updates[0]; next; next = updates[0]) {
        this.#take(next);
        updates.shift();
      }
    });
    if (isTaken) this.#waiting.delete(subject);
  }
}

/** What the update is about: the same for one that it is there and one that it is gone. */
function subjectOf(update: DataplaneUpdate): string {
  switch (update.type) {
    case 'set':
    case 'set-delta':
    case 'set-gone':
      return `update of set ${update.id}`;
    case 'policy':
      return `update of ${idText(update.policy.id)}`;
    case 'profile':
      return `update of profile ${update.profile.name}`;
    case 'profile-gone':
      return `update of profile ${update.name}`;
    case 'workload':
      return `update of ${idText(update.workload.endpoint.id)}`;
    case 'host-endpoint':
      return `update of ${idText(update.hostEndpoint.endpoint.id)}`;
    case 'pool':
      return `update of ${idText(update.pool.id)}`;
    case 'node':
      return `update of ${idText(update.node.id)}`;
    case 'vtep':
      return `update of vtep ${update.vtep.node} IPv${update.vtep.family}`;
    case 'vtep-gone':
      return `update of vtep ${update.node} IPv${update.family}`;
    case 'route':
      return `update of route ${update.route.dst}`;
    case 'route-gone':
      return `update of route ${update.dst}`;
    case 'config':
    case 'service-prefixes':
    case 'in-sync':
      return `update of ${update.type}`;
    default:
      return `update of ${idText(update.id)}`;
  }
}
