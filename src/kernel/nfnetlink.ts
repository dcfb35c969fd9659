/** The header that netfilter's subsystems put after netlink's (nfnetlink.h). */
import type { MessageWriter } from './message.ts';

export const NFNL_SUBSYS_CTNETLINK = 1;
export const NFNL_SUBSYS_IPSET = 6;
/** Length of the header. */
export const NFGENMSG = 4;

/** Starts a message: netlink's and netfilter's header. `af` is 0 where the family does not matter. */
export function beginNetfilter(w: MessageWriter, subsystem: number, command: number, af: number, flags = 0): void {
  w.begin((subsystem << 8) | command, flags);
  w.u8(af);
  w.u8(0);
  w.u16Be(0);
}
