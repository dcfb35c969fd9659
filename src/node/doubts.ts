/** Why a node's address looks like the wrong one: the commonest way for a new node to reach nobody. */
import type { Family } from '../net/index.ts';
import type { Found } from './autodetect.ts';
import type { HostInterface } from './interfaces.ts';

const TUNNEL_KINDS = new Set(
  ['tun', 'wireguard', 'ppp', 'ipip', 'sit', 'gre', 'gretap', 'ip6tnl', 'vti', 'xfrm', 'vxlan', 'geneve'], //
);
const CONTAINERS = /^(docker|br-[0-9a-f]{12}$|podman|cni|cbr|lxc|lxdbr|virbr|nerdctl|veth)/;
const VPN = /^(tun|tap|ppp|wg|tailscale|zt|nebula|ipsec|vpn)/;

/** In words for people; empty where nothing looks wrong. */
export function doubts({ address, on }: Found, family: Family, interfaces: readonly HostInterface[]): string[] {
  if (!on) return [`no interface of this host has ${address}`];
  const said: string[] = [];
  if (CONTAINERS.test(on.name)) said.push(`${on.name} looks like a network of containers or VMs inside this host`);
  else if (TUNNEL_KINDS.has(on.kind) || VPN.test(on.name)) said.push(`${on.name} looks like a VPN or a tunnel`);
  else if (on.kind === 'bridge') said.push(`${on.name} is a bridge: is it this host's way out, or one for its VMs?`);
  if (!on.up) said.push(`${on.name} is down`);
  const ways = interfaces.filter(({ defaultRoutes }) => defaultRoutes.includes(family)).map(({ name }) => name);
  if (ways.length > 0 && !ways.includes(on.name))
    said.push(`the default route leaves by ${ways.join(', ')}, not by ${on.name}`);
  return said;
}
