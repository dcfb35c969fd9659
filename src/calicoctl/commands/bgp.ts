/** bgp plan-reflectors: the handler. */
import { stringify } from 'yaml';
import type { Resource } from '../../api/index.ts';
import { planReflectors } from '../../bgp/plan-reflectors.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';

interface PlanOptions {
  readonly config?: string;
  readonly keepMesh?: boolean;
}

/** Prints the resources for `calicoctl apply`; it writes nothing itself. */
export async function plan(io: Io, count: string, { config, keepMesh }: PlanOptions): Promise<void> {
  const { reflectors, sessions, meshOff } = await withClient(io, config, async (client) => {
    const { items } = await client.list('Node');
    const configuration = await client.find('BGPConfiguration', 'default');
    return planReflectors(items.map(written), Number(count), configuration && written(configuration));
  });
  io.err(`reflectors: ${reflectors.join(', ')}\n`);
  io.out([...sessions, ...(keepMesh ? [] : [meshOff])].map((resource) => stringify(resource)).join('---\n'));
}

/** As people would write it: without what the datastore adds. */
function written({ apiVersion, kind, metadata, spec }: Resource) {
  const { name, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    ...(spec && { spec }),
  };
}
