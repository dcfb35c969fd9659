/** Is an address in a prefix? By comparing binary digits. */

export function inPrefix(prefix: string, address: string): boolean {
  const [base = '', length = ''] = prefix.split('/');
  if (isV6(base) !== isV6(address)) return false;
  return digits(base).startsWith(digits(address).slice(0, Number(length)));
}

export function isV6(address: string): boolean {
  return address.includes(':');
}

function digits(address: string): string {
  if (!isV6(address))
    return address
      .split('.')
      .map((octet) => binary(Number(octet), 8))
      .join('');
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => binary(Number.parseInt(group, 16), 16)).join('');
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, '0');
}
