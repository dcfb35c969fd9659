/** Which of the features that Calico needs a kernel has: built in, loaded, or there to be loaded. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

interface Feature {
  /** The module's name. */
  readonly name: string;
  /** The option of the kernel's configuration, without CONFIG_. */
  readonly option: string;
  /** What does not work without it; nothing does where this is left out. */
  readonly only?: string;
}

/** How a kernel has a feature; null: it has not. */
export type Presence = 'built in' | 'loaded' | 'can be loaded' | null;

export interface Kernel {
  presence(feature: Feature): Presence;
}

export const FEATURES: readonly Feature[] = [
  { name: 'ip_set', option: 'IP_SET' },
  { name: 'ip_set_hash_ip', option: 'IP_SET_HASH_IP' },
  { name: 'ip_set_hash_net', option: 'IP_SET_HASH_NET' },
  { name: 'xt_set', option: 'NETFILTER_XT_SET' },
  { name: 'ip_tables', option: 'IP_NF_IPTABLES' },
  { name: 'ip6_tables', option: 'IP6_NF_IPTABLES' },
  { name: 'ipt_REJECT', option: 'IP_NF_TARGET_REJECT' },
  { name: 'ipt_rpfilter', option: 'IP_NF_MATCH_RPFILTER' },
  { name: 'ip6t_rpfilter', option: 'IP6_NF_MATCH_RPFILTER' },
  { name: 'nf_conntrack_netlink', option: 'NF_CT_NETLINK' },
  { name: 'xt_CT', option: 'NETFILTER_XT_TARGET_CT' },
  { name: 'xt_MASQUERADE', option: 'NETFILTER_XT_TARGET_MASQUERADE' },
  { name: 'xt_addrtype', option: 'NETFILTER_XT_MATCH_ADDRTYPE' },
  { name: 'xt_comment', option: 'NETFILTER_XT_MATCH_COMMENT' },
  { name: 'xt_conntrack', option: 'NETFILTER_XT_MATCH_CONNTRACK' },
  { name: 'xt_mark', option: 'NETFILTER_XT_MARK' },
  { name: 'xt_multiport', option: 'NETFILTER_XT_MATCH_MULTIPORT' },
  { name: 'vxlan', option: 'VXLAN', only: 'pools with VXLAN' },
  { name: 'ipip', option: 'NET_IPIP', only: 'pools with IP-in-IP' },
  { name: 'sch_tbf', option: 'NET_SCH_TBF', only: 'limits of bandwidth' },
  { name: 'ifb', option: 'IFB', only: 'limits of bandwidth' },
  { name: 'xt_limit', option: 'NETFILTER_XT_MATCH_LIMIT', only: 'limits of packets' },
  { name: 'xt_connlimit', option: 'NETFILTER_XT_MATCH_CONNLIMIT', only: 'limits of connections' },
];

/** The kernel of this host, of this release: `6.1.0-13-amd64`. */
export function runningKernel(release: string): Kernel {
  const modules = `/lib/modules/${release}`;
  const inUse = new Set(directory('/sys/module').map(plain));
  const builtIn = namesIn(text(`${modules}/modules.builtin`));
  const files = namesIn(text(`${modules}/modules.dep`));
  const options = parseConfig(text('/proc/config.gz') || text(`/boot/config-${release}`));
  return {
    presence({ name, option }) {
      if (builtIn.has(plain(name)) || options.get(option) === 'y') return 'built in';
      if (inUse.has(plain(name))) return 'loaded';
      return files.has(plain(name)) ? 'can be loaded' : null;
    },
  };
}

/** A kernel of which nothing is known but its configuration. */
export function configuredKernel(config: string): Kernel {
  const options = parseConfig(config);
  return {
    presence: ({ option }) => {
      const value = options.get(option);
      return value === 'y' ? 'built in' : value === 'm' ? 'can be loaded' : null;
    },
  };
}

/** Option → `y` or `m`. */
function parseConfig(config: string): Map<string, string> {
  return new Map(
    [...config.matchAll(/^CONFIG_(\w+)=([ym])$/gm)].map(([, option, value]) => [option as string, value as string]),
  );
}

/** The names of the modules whose files are listed, one a line: `kernel/net/netfilter/xt_set.ko.xz: …`. */
function namesIn(list: string): Set<string> {
  return new Set([...list.matchAll(/^[^:\n]*?([^/:\n]+)\.ko/gm)].map(([, name]) => plain(name as string)));
}

/** Files and the kernel differ in how they write names. */
function plain(name: string): string {
  return name.replaceAll('-', '_').toLowerCase();
}

function text(file: string): string {
  try {
    const bytes = readFileSync(file);
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  } catch {
    return '';
  }
}

function directory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
