/** IPAMConfiguration: how IPAM gives out blocks and addresses; there is one, `default`. */
import { flagAlways, int, oneOf } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';

const MOST_BLOCKS = 1_000_000;
const LONGEST_COOLDOWN = 1_200;

const spec = () =>
  part({
    strictAffinity: flagAlways(),
    maxBlocksPerHost: int({ min: 0, max: MOST_BLOCKS }),
    autoAllocateBlocks: flagAlways(),
    ipCooldownSeconds: int({ min: 0, max: LONGEST_COOLDOWN }),
    kubeVirtVMAddressPersistence: oneOf(['Enabled', 'Disabled']),
  });

const schema = () => resourceSchema('IPAMConfiguration', clusterMetadata(formats.onlyDefault), { spec: spec() });

export const ipamConfiguration = defineKind('IPAMConfiguration', schema);
