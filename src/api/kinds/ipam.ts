/**
 * What IPAM keeps, as resources: BlockAffinity, IPAMBlock, IPAMHandle and IPAMConfig. Kubernetes stores these; in etcd IPAM
 * has keys of its own.
 */
import * as z from 'zod';
import { flag, flagAlways, int, integer, item, map, omitted, orElse, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { newer } from '../newer.ts';

/** A 64-bit counter: a bigint where a number cannot hold it. */
const counter = () => z.union([z.int(), z.bigint()]);
/** True says that its owner is deleting it. Former versions write it as text. */
const deletion = (check: (deleted: boolean) => boolean = () => true) =>
  orElse(
    omitted(z.union([z.boolean(), z.enum(['true', 'false'])])).refine(
      (deleted) => check(deleted === true || deleted === 'true'),
      'must not be true: only IPAM marks it so',
    ),
    false,
  );

const blockAffinitySchema = () =>
  resourceSchema('BlockAffinity', clusterMetadata(formats.name), {
    spec: part({
      state: z.enum(['', 'confirmed', 'pending', 'pendingDeletion']),
      node: item(formats.name),
      ...newer({ type: text() }),
      cidr: item(formats.prefix),
      deleted: deletion((deleted) => !deleted),
    }),
  });

const attribute = () =>
  z.strictObject({
    handle_id: text(),
    secondary: map(),
    ...newer({ releasedAt: text(), alternateOwnerAttrs: map() }),
  });

const ipamBlockSchema = () =>
  resourceSchema('IPAMBlock', clusterMetadata(formats.name), {
    spec: part({
      cidr: item(formats.prefix),
      affinity: text((value) =>
        formats.matches(value, /^(host|virtual):[a-zA-Z0-9._-]+$/, 'must name a host, such as host:n1'),
      ),
      ...newer({ affinityClaimTime: text() }),
      strictAffinity: flagAlways(),
      /** One of each address of the block, in order: the index of its attributes; null: free. */
      allocations: z.array(integer({ min: 0 }).nullable()),
      unallocated: z.array(integer({ min: 0 })),
      attributes: z.array(attribute()),
      deleted: flagAlways(),
      ...newer({
        sequenceNumber: omitted(counter()),
        sequenceNumberForAllocation: omitted(z.record(z.string(), counter())),
      }),
    }),
  });

const ipamHandleSchema = () =>
  resourceSchema('IPAMHandle', clusterMetadata(formats.name), {
    spec: part({ handleID: item(), block: z.record(z.string(), integer()), ...newer({ deleted: flag() }) }),
  });

const ipamConfigSchema = () =>
  resourceSchema('IPAMConfig', clusterMetadata(formats.onlyDefault), {
    spec: part({
      strictAffinity: flagAlways(),
      autoAllocateBlocks: flagAlways(),
      ...newer({ maxBlocksPerHost: int({ min: 0 }) }),
    }),
  });

export const blockAffinity = defineKind('BlockAffinity', blockAffinitySchema);
export const ipamBlock = defineKind('IPAMBlock', ipamBlockSchema);
export const ipamHandle = defineKind('IPAMHandle', ipamHandleSchema);
export const ipamConfig = defineKind('IPAMConfig', ipamConfigSchema);
