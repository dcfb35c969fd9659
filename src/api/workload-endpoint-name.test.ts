import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  parseWorkloadEndpointName,
  type WorkloadEndpointIds,
  workloadEndpointName,
  workloadEndpointPrefix,
} from './workload-endpoint-name.ts';

const read = (file: string) =>
  (
    JSON.parse(readFileSync(new URL(`../../test/vectors/names-api/${file}`, import.meta.url), 'utf8')) as Record<
      string,
      unknown
    >[]
  ).map((row) => row['v3.15.0']);

interface ToName {
  in: WorkloadEndpointIds;
  name?: string;
  error?: string;
  prefix?: string;
  prefixError?: string;
}

test.each(read('wepIds.json') as ToName[])('$in', ({ in: ids, name, error, prefix }) => {
  const made = workloadEndpointName(ids);
  expect(made.name).toBe(name);
  if (error) expect(error).toContain(`field ${made.field}`);
  expect(workloadEndpointPrefix(ids) ?? undefined).toBe(prefix);
});

interface FromName {
  name: string;
  panic?: boolean;
  ids?: Record<string, string>;
}

test.each(read('wepNames.json') as FromName[])('$name', ({ name, ids }) => {
  const parsed = parseWorkloadEndpointName(name);
  if (!ids) return expect(parsed).toBeNull();
  const given = Object.entries(ids).filter(([, value]) => value !== '');
  expect(parsed).toEqual(
    Object.fromEntries(given.map(([key, value]) => [key === 'ContainerID' ? 'containerID' : key.toLowerCase(), value])),
  );
});
