/** Links of the hosts' tunnels, by protocol and family: upstream's names, by which others know them. */
export const TUNNEL_DEVICES = { ipip4: 'tunl0', vxlan4: 'vxlan.calico', vxlan6: 'vxlan-v6.calico' } as const;

/** Those of upstream's newer versions. We make none; where one is left over, its routes and addresses are no network's. */
export const WIREGUARD_DEVICES = ['wireguard.cali', 'wg-v6.cali'] as const;
