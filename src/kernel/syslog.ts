/** The system's log: /dev/log, where somebody listens. A line that nobody takes is lost. */
import * as libc from './libc.ts';

const LOG_PID = 0x01;
const LOG_DAEMON = 3 << 3;

export type SyslogSeverity = 'debug' | 'info' | 'warning' | 'error' | 'critical';

const SEVERITIES: Readonly<Record<SyslogSeverity, number>> = { debug: 7, info: 6, warning: 4, error: 3, critical: 2 };

/** libc keeps the pointer: the bytes must stay where they are. */
let name: Buffer | undefined;

/** Lines are under this name from now on. */
export function openSyslog(program: string): void {
  name = Buffer.alloc(Buffer.byteLength(program) + 1);
  name.write(program);
  libc.openlog(name, LOG_PID, LOG_DAEMON);
}

export function writeSyslog(severity: SyslogSeverity, line: string): void {
  libc.syslog(SEVERITIES[severity], '%s', 'const char *', line);
}
