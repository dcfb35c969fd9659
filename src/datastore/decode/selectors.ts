/**
 * What namespaces and service accounts contribute to selectors. Endpoints inherit the labels of their namespace and
 * service account under a prefix, so that selecting by those is selecting by prefixed labels.
 *
 * The texts come out as upstream's do: names of IP sets are hashes of them, and a Felix of ours that takes over from
 * one of upstream's finds its sets by name.
 */
import { parseSelector } from '../../selector/index.ts';
import * as read from './read.ts';

export const NAMESPACE_PREFIX = 'pcns.';
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';

const NAMESPACE = 'projectcalico.org/namespace';
const SERVICE_ACCOUNT = 'projectcalico.org/serviceaccount';

const LABEL = { [NAMESPACE_PREFIX]: NAMESPACE, [SERVICE_ACCOUNT_PREFIX]: SERVICE_ACCOUNT };
type Prefix = typeof NAMESPACE_PREFIX | typeof SERVICE_ACCOUNT_PREFIX;

/** The selector, in one namespace only. */
export function inNamespace(selector: string, namespace: string): string {
  const own = `${NAMESPACE} == '${namespace}'`;
  return selector === '' ? own : `(${selector}) && ${own}`;
}

/** The selector, for endpoints whose namespace (or service account) this other one selects. */
export function withPrefixed(selector: string, other: string, prefix: Prefix): string {
  if (other === '') return selector;
  const prefixed = attachPrefix(other, prefix);
  return selector === '' ? prefixed : `(${selector}) && ${prefixed}`;
}

/** The selector of one side of a rule. `namespace`: the policy's, where it has one. */
export function ruleSelector(side: read.Fields, field: string, namespace: string | undefined): string {
  const selector = read.text(side.selector, `${field}.selector`);
  const namespaces = read.text(side.namespaceSelector, `${field}.namespaceSelector`);
  const accounts = serviceAccounts(side.serviceAccounts, `${field}.serviceAccounts`);
  const scoped = selector !== '' || side.notSelector || namespaces !== '' || accounts !== '';
  const own = namespace !== undefined && scoped ? `${NAMESPACE} == '${namespace}'` : '';
  const scope = both(namespaces === '' ? own : attachPrefix(namespaces, NAMESPACE_PREFIX), accounts);
  return both(scope, selector);
}

function serviceAccounts(value: unknown, field: string): string {
  const { names, selector } = read.object(value, field);
  const written = read.text(selector, `${field}.selector`);
  const selected = written === '' ? '' : attachPrefix(written, SERVICE_ACCOUNT_PREFIX);
  const quoted = read.texts(names, `${field}.names`).map((name) => `'${name}'`);
  const named = quoted.length > 0 ? parseSelector(`${SERVICE_ACCOUNT} in {${quoted.join(', ')}}`).canonical : '';
  return both(selected, named);
}

/** `all()` is every namespace (service account), which not every endpoint has; `global()` is none. */
function attachPrefix(selector: string, prefix: Prefix): string {
  const parsed = parseSelector(selector);
  if (parsed.canonical === 'all()') return `has(${LABEL[prefix]})`;
  if (parsed.canonical === 'global()') return `!has(${LABEL[prefix]})`;
  return parsed.prefixed(prefix).canonical;
}

function both(a: string, b: string): string {
  return a === '' || b === '' ? a || b : `(${a}) && (${b})`;
}
