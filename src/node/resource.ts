/** A node as the datastore has it. */
import type { Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { Addresses } from './addresses.ts';
import type { Environment } from './variables.ts';

type Fields = Readonly<Record<string, unknown>>;

export function addressesOf(node: Resource): Addresses {
  const { ipv4Address, ipv6Address } = bgpOf(node);
  return { ipv4: textOf(ipv4Address), ipv6: textOf(ipv6Address) };
}

/** The field at `path` of the spec, `bgp.ipv4Address`. */
export function fieldOf(node: Resource, path: string): string | undefined {
  const [name, rest] = path.split('.') as [string, string?];
  return textOf(rest === undefined ? node.spec?.[name] : bgpOf(node)[rest]);
}

/** The same with another field; undefined: without. A `bgp` that is empty then goes too: an empty one is no valid one. */
export function withField(node: Resource, path: string, value: unknown): Resource {
  const [name, rest] = path.split('.') as [string, string?];
  return {
    ...node,
    spec:
      rest === undefined
        ? set(node.spec ?? {}, name, value)
        : set(node.spec ?? {}, name, nonEmpty(set(bgpOf(node), rest, value))),
  };
}

/** The node as this start wants it: with these addresses (null: it takes no part in BGP), AS number and reference. E_CONFIG. */
export function configured(node: Resource, env: Environment, addresses: Addresses | null): Resource {
  let wanted = node;
  if (addresses) {
    wanted = withField(wanted, 'bgp.ipv4Address', addresses.ipv4);
    wanted = withField(wanted, 'bgp.ipv6Address', addresses.ipv6);
    if (env.AS) wanted = withField(wanted, 'bgp.asNumber', asNumber(env.AS));
  }
  const nodeName = env.CALICO_K8S_NODE_REF;
  return nodeName ? withField(wanted, 'orchRefs', [{ nodeName, orchestrator: 'k8s' }]) : wanted;
}

/** `64512`, or in two halves: `1.10`. */
function asNumber(text: string): number {
  const [, high = '0', low = ''] = /^(?:(\d{1,5})\.)?(\d{1,10})$/.exec(text.trim()) ?? [];
  const [h, l] = [Number(high), Number(low)];
  const dotted = text.includes('.');
  if (low !== '' && h <= 65535 && l <= (dotted ? 65535 : 4294967295)) return h * 65536 + l;
  throw new CalicoError('E_CONFIG', 'AS', `is no AS number: '${text}'`);
}

function bgpOf({ spec }: Resource): Fields {
  return (spec?.bgp ?? {}) as Fields;
}

function set(fields: Fields, name: string, value: unknown): Record<string, unknown> {
  const { [name]: _, ...others } = fields;
  return value === undefined ? others : { ...others, [name]: value };
}

function nonEmpty(fields: Fields): Fields | undefined {
  return Object.keys(fields).length > 0 ? fields : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
