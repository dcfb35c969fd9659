/** What an iptables rule says, whichever way it is written: sorted conditions and the action, without chain and hash. */

const LONG: readonly (readonly [RegExp, string])[] = [
  [/^-A \S+ /, ''],
  [/-m comment --comment "cali:[^"]*" ?/, ''],
  [/--in-interface /g, '-i '],
  [/--out-interface /g, '-o '],
  [/--source /g, '-s '],
  [/--destination /g, '-d '],
  [/--source-ports /g, '--sports '],
  [/--destination-ports /g, '--dports '],
  [/--jump /g, '-j '],
  [/--goto /g, '-g '],
  [/--set-mark /g, '--set-xmark '],
  [/-p icmpv6/g, '-p ipv6-icmp'],
  [/-p 58/g, '-p ipv6-icmp'],
  [/-p 17/g, '-p udp'],
  [/-p 4 /g, '-p ipencap '],
  [/(-[sd] [\d.]+)(?= )/g, '$1/32'],
  [/(-[sd] [\da-f]*:[\da-f:]*)(?= )/g, '$1/128'],
  [/(?<!! )-[sd] (0\.0\.0\.0|::)\/0 /g, ''],
  [/(mark) 0\//g, '$1 0x0/'],
];

export function words(rule: string): string[] {
  const text = LONG.reduce((t, [from, to]) => t.replace(from, to), rule.trim());
  // A condition begins at `-x` or `! -x`; what follows `-m module` belongs to it.
  const parts = text.split(/ (?=! -[msdiop] )|(?<!!) (?=-[msdiopjg] )/);
  return parts.map((part) => part.trim()).sort();
}
