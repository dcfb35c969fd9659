/** How a node's address is to be found: the values of IP_AUTODETECTION_METHOD and IP6_AUTODETECTION_METHOD. */
import { CalicoError } from '../errors/index.ts';
import { type Cidr, parseCidr } from '../net/index.ts';

export type Method =
  | { readonly type: 'first-found' }
  | { readonly type: 'interface' | 'skip-interface'; readonly names: readonly RegExp[] }
  | { readonly type: 'cidr'; readonly prefixes: readonly Cidr[] }
  | { readonly type: 'can-reach'; readonly destination: string }
  | { readonly type: 'kubernetes-internal-ip' };

/** `variable` is named by errors. Empty: first-found. E_CONFIG. */
export function parseMethod(text: string, variable: string): Method {
  const equals = text.indexOf('=');
  const [type, value] = equals < 0 ? [text.trim(), ''] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  const invalid = (message: string) => new CalicoError('E_CONFIG', variable, `${message}: '${text}'`, { hint: FORMS });
  if (type === '') return { type: 'first-found' };
  if (type === 'first-found' || type === 'kubernetes-internal-ip') return { type };
  if (value === '') throw invalid(equals < 0 ? 'is no method of autodetection' : `${type}= names nothing`);
  if (type === 'can-reach') return { type, destination: value };
  if (type === 'interface' || type === 'skip-interface') return { type, names: value.split(/\s*,\s*/).map(pattern) };
  if (type === 'cidr') return { type, prefixes: value.split(/\s*,\s*/).map(prefix) };
  throw invalid('is no method of autodetection');

  function pattern(source: string): RegExp {
    try {
      return new RegExp(source);
    } catch {
      throw invalid(`'${source}' is no regular expression`);
    }
  }

  function prefix(source: string): Cidr {
    const parsed = parseCidr(source);
    if (!parsed || !source.includes('/')) throw invalid(`'${source}' is no prefix`);
    return parsed;
  }
}

const FORMS =
  'first-found, can-reach=HOST, interface=NAMES, skip-interface=NAMES, cidr=PREFIXES, kubernetes-internal-ip';
