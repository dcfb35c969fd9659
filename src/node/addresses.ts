/** The addresses of a node, from IP and IP6, autodetection, and what its Node has already. */
import type { Logger } from 'pino';
import { CalicoError } from '../errors/index.ts';
import { type Family, familyOf, maxLength, parseIp } from '../net/index.ts';
import { detect, type Found, type Host, locate, withPrefix } from './autodetect.ts';
import { doubts } from './doubts.ts';
import type { HostInterface } from './interfaces.ts';
import { parseMethod } from './method.ts';
import type { Environment } from './variables.ts';

/** As a Node has them: `10.0.0.1/24`. */
export interface Addresses {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

const SETTINGS = {
  4: { setting: 'IP', method: 'IP_AUTODETECTION_METHOD' },
  6: { setting: 'IP6', method: 'IP6_AUTODETECTION_METHOD' },
} as const;

/** Is the address of the family looked for at every start, and while the node runs? */
export function isAutodetected(env: Environment, family: Family): boolean {
  return env[SETTINGS[family].setting] === 'autodetect';
}

/** What a look for addresses needs. */
export interface Look {
  readonly env: Environment;
  readonly host: Host;
  readonly log: Logger;
  /** It is not the first one: only what has changed is told. */
  readonly again?: boolean;
}

/** Warns of what looks wrong. E_CONFIG; E_NOT_FOUND: autodetection finds nothing, and the node has no address yet. */
export async function chooseAddresses(look: Look, stored: Addresses): Promise<Addresses> {
  const ipv4 = await choose(look, 4, stored.ipv4);
  const ipv6 = await choose(look, 6, stored.ipv6);
  if (ipv4 || ipv6) return { ipv4, ipv6 };
  throw new CalicoError('E_CONFIG', 'IP', 'the node has no address, and autodetection is off', {
    hint: 'set IP or IP6 to an address, or to autodetect',
  });
}

async function choose(look: Look, family: Family, stored: string | undefined): Promise<string | undefined> {
  const { env, host, log, again } = look;
  const wanted = env[SETTINGS[family].setting]?.trim() ?? '';
  if (wanted === 'none') return stored;
  // An IPv4 address every node needs, unless it is told otherwise; IPv6 is for who asks for it.
  const find = wanted === 'autodetect' || (wanted === '' && family === 4 && !stored);
  const text = find
    ? await autodetect(look, family, stored)
    : wanted === ''
      ? stored
      : fromSetting(wanted, family, host);
  if (text && !(again && text === stored)) warn(text, family, host.interfaces(), log);
  return text;
}

/** Where nothing is found the node keeps the address that it has. */
async function autodetect(
  { env, host, log, again }: Look,
  family: Family,
  stored: string | undefined,
): Promise<string> {
  const { method } = SETTINGS[family];
  try {
    const [keep] = split((again && stored) || '');
    const found = await detect(parseMethod(env[method] ?? '', method), family, host, keep ?? undefined);
    const address = textOf(found);
    if (!again || address !== stored)
      log.info(
        { address, interface: found.on?.name, method: env[method] || 'first-found' },
        `found the IPv${family} address`,
      );
    return address;
  } catch (error) {
    if (!stored || !(error instanceof CalicoError) || error.code !== 'E_NOT_FOUND') throw error;
    const say = again ? log.debug : log.warn;
    say.call(
      log,
      { error: String(error), address: stored },
      `no IPv${family} address is found: the node keeps the one that it has`,
    );
    return stored;
  }
}

/** An address without a prefix length gets that of the interface that has it. */
function fromSetting(text: string, family: Family, host: Host): string {
  const [address, length] = split(text);
  if (!address || familyOf(address) !== family)
    throw new CalicoError('E_CONFIG', SETTINGS[family].setting, `is no IPv${family} address: '${text}'`, {
      hint: 'an address such as 10.0.0.1 or 10.0.0.1/24, autodetect, or none',
    });
  return length === undefined ? textOf(withPrefix(address, host.interfaces())) : `${address}/${length}`;
}

function warn(text: string, family: Family, interfaces: readonly HostInterface[], log: Logger): void {
  const [address] = split(text);
  if (!address) return;
  const found = locate(address, interfaces) ?? { address, prefixLength: maxLength(family), on: null };
  for (const doubt of doubts(found, family, interfaces))
    log.warn(
      { address: text, hint: `${SETTINGS[family].setting} or ${SETTINGS[family].method} names another` },
      `is this the node's address? ${doubt}`,
    );
}

/** The address and, where there is one, its prefix length; a null address for what is neither. */
function split(text: string) {
  const [, head = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseIp(head);
  const fits = address && Number(length ?? 0) <= maxLength(familyOf(address));
  return [fits ? address : null, length] as const;
}

function textOf({ address, prefixLength }: Found): string {
  return `${address}/${prefixLength}`;
}
