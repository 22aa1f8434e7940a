/** What samples/system-calls.ts says, started with the argument `first`, in an empty folder with a link in it. */

/** Where its folder's link, `link`, goes. */
export const LINKED = 'where it goes';

/** Its lines without those that are not the same everywhere: the time, the environment. */
export const callsSaid = (text: string): string[] =>
  text.split('\n').filter((line) => !/^(?:time |\w+=)/.test(line));

/**
 * What these are: as man 2 and the constants of Linux have it.
 * @param user whose process it is
 */
export function callsExpected(user: number): string[] {
  const bytes = (...all: number[]): string => all.map((it) => `${it} `).join('');
  const ascii = (of: string): string => bytes(...new TextEncoder().encode(of));
  const squares = (n: number): number => (n * (n + 1) * (2 * n + 1)) / 6;
  const [regular, sizeLow, letter, stored, reversed] = [0o100604, 0x4000_0003, 0x78, 0x41, 0x7856_3412];
  return [
    ...['arguments 2', 'first', 'end of arguments 0', 'page size 4096', `user ${user}`],
    ...['open 3', 'open again -17', 'ftruncate64 0', 'pwrite64 4', 'pread64 beyond 4', ascii('HIGH')],
    ...['pread64 below 4', bytes(0, 0, 0, 0), 'pread64 before -22', 'pwrite64 4', 'fallocate 0'],
    ...['pread64 hole 4', bytes(0, 0, 0, 0), 'fallocate none -22', 'fchmod 0', 'fstat64 0'],
    ...[`mode ${regular}`, 'size high 1', `size low ${sizeLow}`, 'fdatasync 0', 'fsync 0'],
    ...['flock 0', 'flock again -11', 'fcntl64 1', 'fcntl64 set 0', 'fcntl64 get 1'],
    ...['close 0', 'close again -9', 'mkdir 0', 'mkdir again -17', 'rename 0', 'unlink gone -2'],
    ...['open unlinked 1', 'unlink 0', `readlink ${LINKED.length}`, ascii(LINKED)],
    ...['pipe2 0', 'poll 0', 'dup3 60', 'write 5', 'poll 1', 'events 1', 'ioctl 0', 'waiting 5'],
    ...['ioctl terminal -25', 'read 5', ascii('abcde'), 'eventfd2 8', bytes(5, 0, 0, 0, 0, 0, 0, 0)],
    ...['clock_gettime 0', 'clock_gettime none -22', 'timerfd_settime 0', 'poll timer 1', 'timer 8'],
    ...[bytes(1, 0, 0, 0, 0, 0, 0, 0), 'pipe2 0', 'wait4 1', `status ${7 << 8}`, 'wait4 none -10', 'child 3'],
    ...[bytes(1, 1, 1), 'execve word argument', 'status 0'],
    ...[
      'rt_sigprocmask 0',
      'rt_sigprocmask size -22',
      'kill 0',
      'signalfd4 128',
      'signal 10',
      'kill none -22',
    ],
    ...[`mmap2 ${letter}`, `stored ${stored}`, 'munmap 0', 'mmap2 none -9', 'mlockall -22'],
    ...['prctl 0', 'prctl 0', 'named', 'prctl fifth -22', 'prctl none 0'],
    ...['setpriority 0', 'setpriority none -22', `geteuid32 ${user}`, 'socket 1', 'socket none -93'],
    ...['bind 0', 'connect 0', 'unlink bound 0', 'connect none -2'],
    ...[
      'bind 0',
      'bind again -98',
      'listen 0',
      'chmod 0',
      'chown32 0',
      'connect 0',
      'accept4 1',
      'setsockopt 0',
    ],
    ...['setsockopt none -22', 'write 3', 'message 3', ascii('ask'), 'unlink 0'],
    ...['getrandom 16', 'random 1', 'getrandom none -22', `shared ${reversed}`],
    ...[`copied ${squares(64)}`, 'before 286331153', 'behind 572662306', ''],
  ];
}
