/** Folds dataplane updates like DataplaneState, and fails on one that could not be applied by itself. */
import { type IdKey, idKey, idText } from '../../model/index.ts';
import type {
  ActivePolicy,
  ActiveProfile,
  DataplaneUpdate,
  LocalHostEndpoint,
  LocalWorkload,
  TierPolicies,
} from '../output.ts';
import { DataplaneState } from '../state.ts';

export class CheckedState {
  readonly state = new DataplaneState();
  readonly log: DataplaneUpdate[] = [];
  /** Somebody new is told what is gone, too, of which it never heard. */
  isNew = false;

  readonly apply = (update: DataplaneUpdate): void => {
    this.#check(update);
    this.state.apply(update);
    this.log.push(update);
    this.#checkReferences(update);
  };

  /** What was told since the last call. */
  take(): DataplaneUpdate[] {
    return this.log.splice(0);
  }

  /** The update by itself: deltas change something, what goes was there. */
  #check(update: DataplaneUpdate): void {
    const { state } = this;
    if (this.isNew && update.type.endsWith('-gone')) return;
    if (update.type === 'set-delta') this.#checkDelta(update);
    else if (update.type === 'set-gone') must(state.sets.has(update.id), `unknown set gone: ${update.id}`);
    else if (update.type === 'policy-gone') must(state.policies.has(idKey(update.id)), `gone: ${idText(update.id)}`);
    else if (update.type === 'profile-gone') must(state.profiles.has(update.name), `gone: profile ${update.name}`);
    else if (update.type === 'workload-gone') must(state.workloads.has(idKey(update.id)), `gone: ${idText(update.id)}`);
    else if (update.type === 'host-endpoint-gone') {
      must(state.hostEndpoints.has(idKey(update.id)), `gone: ${idText(update.id)}`);
    } else if (update.type === 'in-sync') must(state.config && !state.inSync, 'in-sync twice, or without a config');
  }

  #checkDelta({ id, added, removed }: Extract<DataplaneUpdate, { type: 'set-delta' }>): void {
    const members = this.state.sets.get(id)?.members;
    must(members, `delta of unknown set ${id}`);
    must(added.length + removed.length > 0, 'empty delta');
    for (const m of added) must(!members?.has(m), `${m} added twice`);
    for (const m of removed) must(members?.has(m), `${m} removed but not in`);
  }

  /** Nothing in the state names what is not there; an update can only break what it is about, or what it takes away. */
  #checkReferences(update: DataplaneUpdate): void {
    const { state } = this;
    if (update.type === 'policy') this.#checkRules(update.policy);
    else if (update.type === 'profile') this.#checkRules(update.profile);
    else if (update.type === 'workload') this.#checkEndpoint(update.workload);
    else if (update.type === 'host-endpoint') this.#checkEndpoint(update.hostEndpoint);
    else if (update.type === 'set-gone') {
      for (const owner of [...state.policies.values(), ...state.profiles.values()]) this.#checkRules(owner);
    } else if (update.type === 'policy-gone' || update.type === 'profile-gone') {
      for (const endpoint of [...state.workloads.values(), ...state.hostEndpoints.values()]) {
        this.#checkEndpoint(endpoint);
      }
    }
  }

  #checkRules({ ingress, egress }: ActivePolicy | ActiveProfile): void {
    for (const { source, destination } of [...ingress, ...egress]) {
      for (const side of [source, destination]) {
        for (const set of [...side.sets, ...side.notSets]) {
          must(this.state.sets.get(set)?.type === 'net', `rule names set ${set}`);
        }
        for (const set of [...side.portSets, ...side.notPortSets]) {
          must(this.state.sets.get(set)?.type === 'ip,port', `rule names set ${set}`);
        }
      }
    }
  }

  #checkEndpoint(local: LocalWorkload | LocalHostEndpoint): void {
    const { endpoint } = local;
    for (const name of endpoint.profiles) {
      must(this.state.profiles.has(name), `${idText(endpoint.id)} names profile ${name}`);
    }
    const lists: readonly TierPolicies[] = [
      ...local.tiers,
      ...('forward' in local ? [...local.forward, ...local.untracked, ...local.preDnat] : []),
    ];
    for (const { ingress, egress } of lists) {
      must(ingress.length + egress.length > 0, 'empty tier');
      for (const id of [...ingress, ...egress]) {
        must(this.state.policies.has(idKey(id) as IdKey), `${idText(endpoint.id)} names ${idText(id)}`);
      }
    }
  }
}

function must(condition: unknown, message: string): void {
  if (!condition) throw new Error(`unsafe update: ${message}`);
}
