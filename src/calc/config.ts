/** Felix's parameters from the datastore: those of every node, and those of this one. */
import type { ClusterInformation, FelixConfiguration } from '../model/index.ts';
import type { DataplaneUpdate } from './output.ts';

type Parameters = Readonly<Record<string, string>>;

export class Config {
  #global: Parameters = {};
  #node: Parameters = {};
  #clusterGuid: string | null = null;
  #told: string | null = null;
  readonly #nodeName: string;

  constructor(node: string) {
    this.#nodeName = `node.${node}`;
  }

  setConfiguration(name: string, value: FelixConfiguration | null): void {
    const parameters = value?.parameters ?? {};
    if (name === 'default') this.#global = parameters;
    else if (name === this.#nodeName) this.#node = parameters;
  }

  setCluster(name: string, value: ClusterInformation | null): void {
    if (name === 'default') this.#clusterGuid = value?.clusterGuid ?? null;
  }

  /** As if nothing had been told. */
  retell(): void {
    this.#told = null;
  }

  /** Told when it differs from what was told last. The cluster's guid is the global parameter `ClusterGUID`. */
  updates(emit: (update: DataplaneUpdate) => void): void {
    const global = { ...this.#global, ...(this.#clusterGuid ? { ClusterGUID: this.#clusterGuid } : {}) };
    const text = JSON.stringify([sorted(global), sorted(this.#node)]);
    if (text === this.#told) return;
    this.#told = text;
    emit({ type: 'config', global, node: { ...this.#node } });
  }
}

function sorted(parameters: Parameters): [string, string][] {
  return Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
}
