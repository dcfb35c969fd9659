/**
 * What stands in a scenario's folder: scenario.json and recorded/packets.json, or packets.json where the verdicts were
 * written down by us.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ip } from '../../src/net/index.ts';
import type { ProbeResult, ProbeSpec } from './probe.ts';

export interface MachineSpec {
  readonly number?: number;
  readonly extra_ips?: readonly string[];
  readonly felix?: Record<string, string>;
}

export interface WorkloadSpec {
  readonly host: string;
  readonly iface: string;
  readonly ips: readonly Ip[];
  readonly mac?: string;
  readonly extra_ips?: readonly Ip[];
  readonly routed_ips?: readonly Ip[];
  readonly present?: boolean;
}

export interface Step {
  readonly name: string;
  readonly stop?: readonly string[];
  readonly plug?: readonly string[];
  readonly unplug?: readonly string[];
  readonly put?: string;
  readonly apply?: string;
  readonly delete?: string;
  readonly exec?: Record<string, readonly string[]>;
  readonly kill?: readonly string[];
  readonly start?: readonly string[];
  readonly etcd?: 'stop' | 'start';
  readonly wait?: number;
  readonly hold?: Record<string, ProbeSpec>;
  readonly probes?: readonly ProbeSpec[];
}

export interface ScenarioFile {
  readonly about: string;
  readonly hosts: Record<string, MachineSpec>;
  readonly outside?: Record<string, MachineSpec>;
  readonly workloads?: Record<string, WorkloadSpec>;
  readonly felix?: Record<string, string>;
  readonly routes?: 'all' | 'outside';
  readonly before?: Record<string, readonly string[]>;
  readonly probes?: readonly ProbeSpec[];
  readonly steps: readonly Step[];
}

export interface StepPackets {
  readonly step: string;
  readonly probes: readonly Omit<ProbeResult, 'dst'>[];
  readonly held?: Record<string, 'alive' | 'broken'>;
}

export const readScenario = (dir: string): ScenarioFile => JSON.parse(readFileSync(join(dir, 'scenario.json'), 'utf8'));
export function readRecorded(dir: string): StepPackets[] {
  const recorded = join(dir, 'recorded/packets.json');
  return JSON.parse(readFileSync(existsSync(recorded) ? recorded : join(dir, 'packets.json'), 'utf8'));
}
