/** What people may not write: resources that Calico or an orchestrator keeps. */
import { KIND_NAMES, type Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';

/** The profile that allows everything; built in, never stored. */
export const DEFAULT_PROFILE: Resource = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'Profile',
  metadata: { name: 'projectcalico-default-allow', resourceVersion: '0' },
  spec: {
    ingress: [{ action: 'Allow', source: {}, destination: {} }],
    egress: [{ action: 'Allow', source: {}, destination: {} }],
  },
};

/** Throws E_INVALID when the resource is not people's to write. */
export function checkMayWrite(kind: string, name: string): void {
  const refuse = (why: string): never => {
    throw new CalicoError('E_INVALID', `${kind} ${name}`, why);
  };
  const keeper = KIND_NAMES[kind]?.keeper;
  if (keeper) refuse(`is written by ${keeper}, it cannot be changed`);
  if (kind === 'ClusterInformation') refuse('is written by Calico itself, it cannot be changed');
  if (kind === 'Profile' && name === DEFAULT_PROFILE.metadata.name) refuse('is built in, it cannot be changed');
  if (kind === 'NetworkPolicy' && name.startsWith('knp.default.')) refuse('is managed through the Kubernetes API');
}
