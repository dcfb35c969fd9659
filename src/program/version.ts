/** Of all programs. Upstream's versions are of other programs, so ours count by themselves. */
export const VERSION = 'v0.1.0';
