/** What is shown of IP-in-IP in the VM, in order. */
export const IPIP_STEPS = [
  'packets go through the tunnel, both ways',
  'a pool changes while packets flow',
  'CrossSubnet: to a host outside the subnet by the tunnel',
  'without blocks, routes come from endpoints',
  'the MTU follows the uplink’s',
  'tunnel packets of strangers and of workloads are dropped',
] as const;
