/** The few functions of libc that netlink needs, called through koffi on the thread that calls. */
import koffi from 'koffi';

// The process itself has libc mapped: no name of a library to guess (glibc, musl).
const libc = koffi.load(null);

type Bytes = Uint8Array;

export const socket = libc.func('int socket(int domain, int type, int protocol)') as (
  domain: number,
  type: number,
  protocol: number,
) => number;
export const bind = libc.func('int bind(int fd, void *address, uint32_t length)') as (
  fd: number,
  address: Bytes,
  length: number,
) => number;
export const getsockname = libc.func('int getsockname(int fd, void *address, void *length)') as (
  fd: number,
  address: Bytes,
  length: Bytes,
) => number;
export const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)') as (
  fd: number,
  level: number,
  name: number,
  value: Bytes,
  length: number,
) => number;
export const send = libc.func('intptr_t send(int fd, void *data, size_t length, int flags)') as (
  fd: number,
  data: Bytes,
  length: number,
  flags: number,
) => number;
export const recv = libc.func('intptr_t recv(int fd, void *data, size_t length, int flags)') as (
  fd: number,
  data: Bytes,
  length: number,
  flags: number,
) => number;
export const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)') as (
  fds: Bytes,
  count: number,
  timeoutMs: number,
) => number;
export const eventfd = libc.func('int eventfd(unsigned int value, int flags)') as (
  value: number,
  flags: number,
) => number;
export const write = libc.func('intptr_t write(int fd, void *data, size_t length)') as (
  fd: number,
  data: Bytes,
  length: number,
) => number;
export const close = libc.func('int close(int fd)') as (fd: number) => number;

/** The error of this thread's last call. */
export const errno = (): number => koffi.errno();
export const openlog = libc.func('void openlog(void *ident, int option, int facility)') as (
  ident: Bytes,
  option: number,
  facility: number,
) => void;
/** The words after `%s`. */
export const syslog = libc.func('void syslog(int priority, const char *format, ...)') as (
  priority: number,
  format: '%s',
  type: 'const char *',
  text: string,
) => void;
