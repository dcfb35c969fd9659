/** The parameters of a VXLAN device, as IFLA_INFO_DATA holds them. */
import { bytesOf, familyOf, formatIp, type Ip } from '../net/index.ts';
import { attributes, type MessageWriter, readU32 } from './message.ts';

const IFLA_VXLAN_ID = 1;
const IFLA_VXLAN_LINK = 3;
const IFLA_VXLAN_LOCAL = 4;
const IFLA_VXLAN_LEARNING = 7;
const IFLA_VXLAN_PORT = 15;
const IFLA_VXLAN_LOCAL6 = 17;

export interface Vxlan {
  /** Of the virtual network (VNI). */
  readonly id: number;
  /** UDP port of the other ends. */
  readonly port: number;
  /** Source address of its packets; null: the kernel chooses. */
  readonly local: Ip | null;
  /** Index of the link that its packets leave by; 0: any. */
  readonly link: number;
  /** Learns from packets which MAC is behind which host. */
  readonly learning: boolean;
}

export function writeVxlan(w: MessageWriter, { id, port, local, link, learning }: Vxlan): void {
  w.attributeU32(IFLA_VXLAN_ID, id);
  if (link) w.attributeU32(IFLA_VXLAN_LINK, link);
  if (local) w.attribute(familyOf(local) === 4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, bytesOf(local));
  w.attributeU8(IFLA_VXLAN_LEARNING, learning ? 1 : 0);
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port & 0xffff);
  w.attribute(IFLA_VXLAN_PORT, bytes);
}

export function decodeVxlan(data: Buffer): Vxlan {
  const found = attributes(data);
  const number = (type: number): number => {
    const value = found.get(type);
    return value ? readU32(value) : 0;
  };
  const local = found.get(IFLA_VXLAN_LOCAL) ?? found.get(IFLA_VXLAN_LOCAL6);
  return {
    id: number(IFLA_VXLAN_ID),
    port: found.get(IFLA_VXLAN_PORT)?.readUInt16BE() ?? 0,
    local: local ? formatIp(local) : null,
    link: number(IFLA_VXLAN_LINK),
    learning: found.get(IFLA_VXLAN_LEARNING)?.[0] === 1,
  };
}
