/**
 * The system calls of Linux on Arm that programs here are made of: their numbers and types. Every kernel since 3.18 has
 * them all; 3.17 brought the youngest, getrandom.
 */

/** A system call: its number, its type as AssemblyScript writes it, and what it does. */
export type SystemCall = readonly [number: number, type: string, doc: string];

/**
 * Numbers: Linux, arch/arm/tools/syscall.tbl, ABI `common`, which EABI programs use as they stand there. Types: the
 * manual pages, section 2. Addresses are of memory that the kernel reads or writes; texts end in a byte of 0; results
 * below 0 are errors, negated (man 2 intro).
 */
export const SYSTEM_CALLS: Readonly<Record<string, SystemCall>> = {
  fork: [2, '(): i32', 'Makes a second process of this one; gives 0 there, here its number.'],
  read: [3, '(file: i32, address: usize, count: i32): i32', 'Reads bytes; gives how many, 0 at the end.'],
  write: [4, '(file: i32, address: usize, count: i32): i32', 'Writes bytes; gives how many.'],
  open: [5, '(path: usize, flags: i32, mode: i32): i32', 'Opens a file; gives its descriptor.'],
  close: [6, '(file: i32): i32', 'Closes a descriptor.'],
  unlink: [10, '(path: usize): i32', 'Takes a name of a file away.'],
  execve: [11, '(path: usize, argv: usize, envp: usize): i32', 'Becomes another program.'],
  chmod: [15, '(path: usize, mode: i32): i32', 'Sets who may do what with a file, by its path.'],
  getpid: [20, '(): i32', 'The number of this process.'],
  kill: [37, '(process: i32, signal: i32): i32', 'Sends a signal.'],
  rename: [38, '(from: usize, to: usize): i32', 'Gives a file another name, whose file goes.'],
  mkdir: [39, '(path: usize, mode: i32): i32', 'Makes a folder.'],
  ioctl: [54, '(file: i32, request: i32, argument: i32): i32', 'Asks a device for what is its own.'],
  getppid: [64, '(): i32', 'The number of the parent process.'],
  setsid: [66, '(): i32', 'Begins a session of its own; gives its number.'],
  readlink: [85, '(path: usize, address: usize, count: i32): i32', 'Reads where a symbolic link goes.'],
  munmap: [91, '(address: usize, bytes: i32): i32', 'Takes pages out of the address space.'],
  fchmod: [94, '(file: i32, mode: i32): i32', 'Sets who may do what with a file.'],
  setpriority: [97, '(which: i32, who: i32, nice: i32): i32', 'Sets how much of the processor is had.'],
  wait4: [
    114,
    '(process: i32, status: usize, options: i32, usage: usize): i32',
    'Takes the status of a child that ended; gives its number.',
  ],
  fsync: [118, '(file: i32): i32', 'Brings a file or folder to its medium.'],
  flock: [143, '(file: i32, operation: i32): i32', 'Locks or unlocks a file, by its open description.'],
  fdatasync: [148, '(file: i32): i32', 'Brings what a file holds to its medium.'],
  mlockall: [152, '(flags: i32): i32', 'Keeps the address space in memory.'],
  poll: [
    168,
    '(files: usize, count: i32, timeout: i32): i32',
    'Waits for descriptors, milliseconds or, by -1, for ever.',
  ],
  prctl: [
    172,
    '(option: i32, second: i32, third: i32, fourth: i32, fifth: i32): i32',
    'What a process has of its own, by option.',
  ],
  rt_sigprocmask: [
    175,
    '(how: i32, set: usize, before: usize, bytes: i32): i32',
    'Sets which signals wait; sets have 8 bytes.',
  ],
  pread64: [180, '(file: i32, address: usize, count: i32, offset: i64): i32', 'Reads bytes from an offset.'],
  pwrite64: [181, '(file: i32, address: usize, count: i32, offset: i64): i32', 'Writes bytes at an offset.'],
  mmap2: [
    192,
    '(address: usize, bytes: i32, protection: i32, flags: i32, file: i32, pages: i32): i32',
    'Maps pages of a file, from an offset in units of 4096 bytes; gives their address.',
  ],
  ftruncate64: [194, '(file: i32, length: i64): i32', 'Sets how long a file is.'],
  fstat64: [197, '(file: i32, address: usize): i32', 'What a file is, 104 bytes.'],
  geteuid32: [201, '(): i32', 'The user whose rights this process has.'],
  chown32: [212, '(path: usize, user: i32, group: i32): i32', 'Sets whose a file is.'],
  fcntl64: [221, '(file: i32, command: i32, argument: i32): i32', 'What a descriptor has of its own.'],
  exit_group: [248, '(status: i32)', 'Ends the process.'],
  clock_gettime: [
    263,
    '(clock: i32, address: usize): i32',
    'Reads a clock: seconds, nanoseconds, a word each.',
  ],
  socket: [281, '(domain: i32, type: i32, protocol: i32): i32', 'Makes a socket.'],
  bind: [282, '(file: i32, address: usize, bytes: i32): i32', 'Gives a socket its address.'],
  connect: [
    283,
    '(file: i32, address: usize, bytes: i32): i32',
    'Connects a socket to the one with an address.',
  ],
  listen: [284, '(file: i32, most: i32): i32', 'Has a socket be connected to.'],
  setsockopt: [
    294,
    '(file: i32, level: i32, option: i32, value: usize, bytes: i32): i32',
    'Sets what a socket has of its own.',
  ],
  timerfd_create: [350, '(clock: i32, flags: i32): i32', 'Makes a descriptor that a timer makes readable.'],
  fallocate: [
    352,
    '(file: i32, mode: i32, offset: i64, length: i64): i32',
    'Gives a range of a file room, or takes it.',
  ],
  timerfd_settime: [
    353,
    '(file: i32, flags: i32, value: usize, before: usize): i32',
    'Sets a timer: interval and first expiry, four words.',
  ],
  signalfd4: [
    355,
    '(file: i32, mask: usize, bytes: i32, flags: i32): i32',
    'Makes a descriptor that signals make readable; sets have 8 bytes.',
  ],
  eventfd2: [356, '(value: i32, flags: i32): i32', 'Makes a descriptor that counts.'],
  dup3: [358, '(file: i32, to: i32, flags: i32): i32', 'Has another descriptor mean the same.'],
  pipe2: [
    359,
    '(address: usize, flags: i32): i32',
    'Makes a pipe: the reading end, the writing end, a word each.',
  ],
  accept4: [
    366,
    '(file: i32, address: usize, bytes: usize, flags: i32): i32',
    'Takes the next connection to a socket; gives its descriptor.',
  ],
  getrandom: [
    384,
    '(address: usize, count: i32, flags: i32): i32',
    'Random bytes; gives how many. Soon after the boot of an old kernel it waits, with flag 1 it is EAGAIN.',
  ],
};
