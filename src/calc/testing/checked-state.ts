/** Folds dataplane updates like DataplaneState, and fails on one that could not be applied by itself. */
import { type IdKey, idKey, idText } from '../../model/index.ts';
import type { ActiveRule, DataplaneUpdate, LocalHostEndpoint, LocalWorkload, TierPolicies } from '../output.ts';
import { DataplaneState } from '../state.ts';

export class CheckedState {
  readonly state = new DataplaneState();
  readonly log: DataplaneUpdate[] = [];

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
    switch (update.type) {
      case 'set-delta': {
        const members = state.sets.get(update.id)?.members;
        must(members, `delta of unknown set ${update.id}`);
        must(update.added.length + update.removed.length > 0, 'empty delta');
        for (const m of update.added) must(!members?.has(m), `${m} added twice`);
        for (const m of update.removed) must(members?.has(m), `${m} removed but not in`);
        return;
      }
      case 'set-gone':
        return must(state.sets.has(update.id), `unknown set gone: ${update.id}`);
      case 'policy-gone':
        return must(state.policies.has(idKey(update.id)), `unknown policy gone: ${idText(update.id)}`);
      case 'profile-gone':
        return must(state.profiles.has(update.name), `unknown profile gone: ${update.name}`);
      case 'workload-gone':
        return must(state.workloads.has(idKey(update.id)), `unknown workload gone: ${idText(update.id)}`);
      case 'host-endpoint-gone':
        return must(state.hostEndpoints.has(idKey(update.id)), `unknown host endpoint gone: ${idText(update.id)}`);
      case 'config':
        return must(update.global, 'config without parameters');
      case 'in-sync':
        must(!state.inSync, 'in-sync twice');
        return must(state.config, 'in-sync without config');
    }
  }

  /** Nothing in the state names what is not there; an update can only break what it is about, or what it takes away. */
  #checkReferences(update: DataplaneUpdate): void {
    const { state } = this;
    switch (update.type) {
      case 'policy':
        return this.#checkRules([...update.policy.ingress, ...update.policy.egress]);
      case 'profile':
        return this.#checkRules([...update.profile.ingress, ...update.profile.egress]);
      case 'set-gone':
        for (const owner of [...state.policies.values(), ...state.profiles.values()]) {
          this.#checkRules([...owner.ingress, ...owner.egress]);
        }
        return;
      case 'workload':
        return this.#checkEndpoint(update.workload);
      case 'host-endpoint':
        return this.#checkEndpoint(update.hostEndpoint);
      case 'policy-gone':
      case 'profile-gone':
        for (const endpoint of [...state.workloads.values(), ...state.hostEndpoints.values()]) {
          this.#checkEndpoint(endpoint);
        }
    }
  }

  #checkRules(rules: readonly ActiveRule[]): void {
    for (const { source, destination } of rules) {
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
