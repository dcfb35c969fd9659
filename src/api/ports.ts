/** Ports, protocols and AS numbers: fields that are a number or a text. */
import * as z from 'zod';
import { parsePortRange } from '../net/index.ts';
import { omitted } from './fields.ts';

const SERVICE_NAME = /^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
const PROTOCOLS = ['TCP', 'UDP', 'ICMP', 'ICMPv6', 'SCTP', 'UDPLite'] as const;

/** The name of a port: an IANA service name. The problem in words, or null. */
export function portName(text: string): string | null {
  return text.length <= 15 && SERVICE_NAME.test(text)
    ? null
    : "must be 1 to 15 lower-case letters, digits or '-', with a letter in it";
}

/** A port, a range `80:90`, or the name of a port of an endpoint. Stored as a number where it is one. */
export const port = numberOrText((text) => {
  const range = parsePortRange(text);
  if (range?.min === 0) return { problem: 'must be a port between 1 and 65535' };
  if (range) return { value: range.min === range.max ? range.min : `${range.min}:${range.max}` };
  const problem =
    /^\d+:\d+$/.test(text) || /^-?\d+$/.test(text)
      ? 'must be ports between 1 and 65535, the lower one first'
      : portName(text);
  return problem ? { problem: `must be a port, a range such as 80:90, or a port name (${problem})` } : { value: text };
});

/** A port or range without the rules for names and zero, as upstream reads FelixConfiguration's. */
export const plainPort = numberOrText((text) => {
  const range = parsePortRange(text);
  if (range) return { value: range.min === range.max ? range.min : `${range.min}:${range.max}` };
  return /^[a-zA-Z0-9_.-]{1,128}$/.test(text) && !/^-?\d+$/.test(text)
    ? { value: text }
    : { problem: 'must be a port or a range such as 1024:65535, the lower one first' };
});

/** `TCP`, `UDP`, `ICMP`, `ICMPv6`, `SCTP`, `UDPLite`, or a number 1–255. */
export const protocol = numberOrText((text) => {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= 255
      ? { value: number }
      : { problem: 'must be a protocol number between 1 and 255' };
  }
  if ((PROTOCOLS as readonly string[]).includes(text)) return { value: text };
  const near = PROTOCOLS.find((name) => name.toLowerCase() === text.toLowerCase());
  return { problem: `must be one of ${PROTOCOLS.join(', ')}, or a number${near ? `; did you mean ${near}?` : ''}` };
});

/** An AS number: 64512, "64512" or "1.10" (high and low 16 bits). Always stored as a number. */
export const asNumber = numberOrText((text) => {
  const dotted = /^(\d{1,5})\.(\d{1,5})$/.exec(text);
  const number = dotted ? Number(dotted[1]) * 65536 + Number(dotted[2]) : /^\d{1,10}$/.test(text) ? Number(text) : -1;
  const halves = dotted ? Number(dotted[1]) <= 65535 && Number(dotted[2]) <= 65535 : true;
  return halves && number >= 0 && number <= 4294967295
    ? { value: number }
    : { problem: 'must be an AS number between 0 and 4294967295, or two of 16 bits as text, such as "1.10"' };
});

/** Do packets of this protocol, as a stored field names it, carry ports that rules can match? */
export function isPortProtocol(value: number | string | undefined): boolean {
  return value === 'TCP' || value === 'UDP' || value === 'SCTP' || value === 6 || value === 17 || value === 132;
}

export const protocolField = () => omitted(protocol);
export const portList = () => omitted(z.array(port), (value) => Array.isArray(value) && value.length === 0);

interface Reading {
  readonly value?: number | string;
  readonly problem?: string;
}

function numberOrText(read: (text: string) => Reading) {
  return z
    .union([z.number(), z.string()], { error: 'expected a number or text' })
    .transform((given, context): number | string => {
      const isFraction = typeof given === 'number' && !Number.isInteger(given);
      const { value, problem } = read(isFraction ? '' : String(given)); // nothing here reads an empty text
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: problem ?? 'not valid', input: given });
      return z.NEVER;
    });
}
