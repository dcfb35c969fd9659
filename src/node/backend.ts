/** What carries packets between nodes: CALICO_NETWORKING_BACKEND. */
import { CalicoError } from '../errors/index.ts';
import type { Environment } from './variables.ts';

/** `vxlan`: without BGP. `none`: policy alone; the node has no addresses. */
export type Backend = 'bird' | 'vxlan' | 'none';

export function backendOf({ CALICO_NETWORKING_BACKEND: text = '' }: Environment): Backend {
  if (text === '' || text === 'bird') return 'bird';
  if (text === 'vxlan' || text === 'none') return text;
  throw new CalicoError('E_CONFIG', 'CALICO_NETWORKING_BACKEND', `is no backend: '${text}'`, {
    hint: 'bird, vxlan or none',
  });
}
