/**
 * LiveMigration: a workload is moving from one host to another. OpenStack's and KubeVirt's drivers write it. Its fields
 * have capitals, and null where they say nothing: upstream stores it so.
 */
import * as z from 'zod';
import { item, refined } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { namespacedMetadata } from '../metadata.ts';
import { selector } from '../selector-field.ts';

const workload = () => ({ Hostname: item(), OrchestratorID: item(), WorkloadID: item() });
const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null as never);
const endpoint = () => orNull(z.strictObject({ ...workload(), EndpointID: item() }));

const one = <T extends z.ZodType<Record<string, unknown>>>(schema: T) =>
  refined(schema, (sides) =>
    Object.values(sides).filter((side) => side !== null).length === 1 ? null : 'must have one of its fields',
  );

const spec = () =>
  part({
    Source: orNull(one(z.strictObject({ Workload: orNull(z.strictObject(workload())), WorkloadEndpoint: endpoint() }))),
    Target: orNull(one(z.strictObject({ Selector: orNull(selector()), WorkloadEndpoint: endpoint() }))),
  });

const schema = () => resourceSchema('LiveMigration', namespacedMetadata(formats.name), { spec: spec() });

export const liveMigration = defineKind('LiveMigration', schema);
