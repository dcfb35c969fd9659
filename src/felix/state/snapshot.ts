/**
 * What a running Felix wants of the kernel, what it knows to be there, and what went wrong: for people. It comes in pieces,
 * so that a large host's tables do not keep the event loop for long.
 */

import { idText } from '../../model/index.ts';
import type { Dumpable, TableDump } from '../../reconcile/index.ts';
import type { Health } from '../health.ts';
import type { Observed } from '../observed.ts';

/** Everything but the tables. Times are ISO 8601. */
export interface Summary {
  readonly host: string;
  readonly time: string;
  readonly started: string;
  readonly inSync: boolean;
  /** A line a part. */
  readonly health: readonly string[];
  /** Why another configuration is wanted than the one in force. */
  readonly configRefused: readonly string[];
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly state: string;
    readonly problems: readonly string[];
  }[];
  readonly invalidResources: readonly { readonly resource: string; readonly reason: string }[];
  /** The latest, oldest first. */
  readonly rounds: readonly {
    readonly time: string;
    readonly seconds: number;
    readonly outcome: string;
    readonly updates: number;
    readonly audits: readonly string[];
    readonly operations: number;
    readonly problems: Readonly<Record<string, string>>;
  }[];
  /** Seconds. */
  readonly longestTurn: number;
}

export interface TableState extends TableDump {
  /** Entries that are not as desired, or not desired. */
  readonly differences: readonly string[];
}

export interface State extends Summary {
  readonly tables: readonly TableState[];
}

export function summaryOf(host: string, observed: Observed, health: Health): Summary {
  return {
    host,
    time: new Date().toISOString(),
    started: observed.started.toISOString(),
    inSync: observed.inSync,
    health: health.detail.trimEnd().split('\n'),
    configRefused: observed.refused,
    endpoints: [...observed.reports.endpoints.values()].map(({ id, state, problems }) => ({
      endpoint: idText(id),
      state,
      problems,
    })),
    invalidResources: [...observed.graph.invalid.values()].map(({ id, reason }) => ({ resource: idText(id), reason })),
    rounds: observed.rounds.map(({ time, problems, ...round }) => ({
      ...round,
      time: time.toISOString(),
      problems: Object.fromEntries(problems),
    })),
    longestTurn: observed.eventLoop.longest,
  };
}

/** `full`: also the members of sets. Each driver is asked only when its turn comes. */
export function* tablesOf({ enforcement }: Observed, full: boolean): Generator<TableState> {
  for (const driver of Object.values(enforcement?.drivers ?? {}).flat()) {
    if (!isDumpable(driver)) continue;
    for (const dump of driver.dump(full)) yield { ...dump, differences: differencesOf(dump) };
  }
}

function isDumpable(driver: unknown): driver is Dumpable {
  return typeof (driver as Partial<Dumpable> | null)?.dump === 'function';
}

export function differencesOf({ desired, actual }: TableDump): string[] {
  const differ = (key: string): boolean => String(desired[key]) !== String(actual[key]);
  return [...new Set([...Object.keys(desired), ...Object.keys(actual)])].filter(
    (key) => !(key in desired) || !(key in actual) || differ(key),
  );
}
