/**
 * What AssemblyScript has no words for: each function here is a short sequence of instructions, done where it is
 * called, never merged, moved or left out. Made by scripts/intrinsics.ts; do not edit.
 */

export namespace linux {
  /** Makes a second process of this one; gives 0 there, here its number. */
  // @external('linux', 'fork')
  export declare function fork(): i32;
  /** Reads bytes; gives how many, 0 at the end. */
  // @external('linux', 'read')
  export declare function read(file: i32, address: usize, count: i32): i32;
  /** Writes bytes; gives how many. */
  // @external('linux', 'write')
  export declare function write(file: i32, address: usize, count: i32): i32;
  /** Opens a file; gives its descriptor. */
  // @external('linux', 'open')
  export declare function open(path: usize, flags: i32, mode: i32): i32;
  /** Closes a descriptor. */
  // @external('linux', 'close')
  export declare function close(file: i32): i32;
  /** Takes a name of a file away. */
  // @external('linux', 'unlink')
  export declare function unlink(path: usize): i32;
  /** Becomes another program. */
  // @external('linux', 'execve')
  export declare function execve(path: usize, argv: usize, envp: usize): i32;
  /** Sets who may do what with a file, by its path. */
  // @external('linux', 'chmod')
  export declare function chmod(path: usize, mode: i32): i32;
  /** The number of this process. */
  // @external('linux', 'getpid')
  export declare function getpid(): i32;
  /** Sends a signal. */
  // @external('linux', 'kill')
  export declare function kill(process: i32, signal: i32): i32;
  /** Gives a file another name, whose file goes. */
  // @external('linux', 'rename')
  export declare function rename(from: usize, to: usize): i32;
  /** Makes a folder. */
  // @external('linux', 'mkdir')
  export declare function mkdir(path: usize, mode: i32): i32;
  /** Asks a device for what is its own. */
  // @external('linux', 'ioctl')
  export declare function ioctl(file: i32, request: i32, argument: i32): i32;
  /** The number of the parent process. */
  // @external('linux', 'getppid')
  export declare function getppid(): i32;
  /** Begins a session of its own; gives its number. */
  // @external('linux', 'setsid')
  export declare function setsid(): i32;
  /** Reads where a symbolic link goes. */
  // @external('linux', 'readlink')
  export declare function readlink(path: usize, address: usize, count: i32): i32;
  /** Takes pages out of the address space. */
  // @external('linux', 'munmap')
  export declare function munmap(address: usize, bytes: i32): i32;
  /** Sets who may do what with a file. */
  // @external('linux', 'fchmod')
  export declare function fchmod(file: i32, mode: i32): i32;
  /** Sets how much of the processor is had. */
  // @external('linux', 'setpriority')
  export declare function setpriority(which: i32, who: i32, nice: i32): i32;
  /** Takes the status of a child that ended; gives its number. */
  // @external('linux', 'wait4')
  export declare function wait4(process: i32, status: usize, options: i32, usage: usize): i32;
  /** Brings a file or folder to its medium. */
  // @external('linux', 'fsync')
  export declare function fsync(file: i32): i32;
  /** Locks or unlocks a file, by its open description. */
  // @external('linux', 'flock')
  export declare function flock(file: i32, operation: i32): i32;
  /** Brings what a file holds to its medium. */
  // @external('linux', 'fdatasync')
  export declare function fdatasync(file: i32): i32;
  /** Keeps the address space in memory. */
  // @external('linux', 'mlockall')
  export declare function mlockall(flags: i32): i32;
  /** Waits for descriptors, milliseconds or, by -1, for ever. */
  // @external('linux', 'poll')
  export declare function poll(files: usize, count: i32, timeout: i32): i32;
  /** What a process has of its own, by option. */
  // @external('linux', 'prctl')
  export declare function prctl(option: i32, second: i32, third: i32, fourth: i32, fifth: i32): i32;
  /** Sets which signals wait; sets have 8 bytes. */
  // @external('linux', 'rt_sigprocmask')
  export declare function rt_sigprocmask(how: i32, set: usize, before: usize, bytes: i32): i32;
  /** Reads bytes from an offset. */
  // @external('linux', 'pread64')
  export declare function pread64(file: i32, address: usize, count: i32, offset: i64): i32;
  /** Writes bytes at an offset. */
  // @external('linux', 'pwrite64')
  export declare function pwrite64(file: i32, address: usize, count: i32, offset: i64): i32;
  /** Maps pages of a file, from an offset in units of 4096 bytes; gives their address. */
  // @external('linux', 'mmap2')
  export declare function mmap2(address: usize, bytes: i32, protection: i32, flags: i32, file: i32, pages: i32): i32;
  /** Sets how long a file is. */
  // @external('linux', 'ftruncate64')
  export declare function ftruncate64(file: i32, length: i64): i32;
  /** What a file is, 104 bytes. */
  // @external('linux', 'fstat64')
  export declare function fstat64(file: i32, address: usize): i32;
  /** The user whose rights this process has. */
  // @external('linux', 'geteuid32')
  export declare function geteuid32(): i32;
  /** Sets whose a file is. */
  // @external('linux', 'chown32')
  export declare function chown32(path: usize, user: i32, group: i32): i32;
  /** What a descriptor has of its own. */
  // @external('linux', 'fcntl64')
  export declare function fcntl64(file: i32, command: i32, argument: i32): i32;
  /** Ends the process. */
  // @external('linux', 'exit_group')
  export declare function exit_group(status: i32): void;
  /** Reads a clock: seconds, nanoseconds, a word each. */
  // @external('linux', 'clock_gettime')
  export declare function clock_gettime(clock: i32, address: usize): i32;
  /** Makes a socket. */
  // @external('linux', 'socket')
  export declare function socket(domain: i32, type: i32, protocol: i32): i32;
  /** Gives a socket its address. */
  // @external('linux', 'bind')
  export declare function bind(file: i32, address: usize, bytes: i32): i32;
  /** Connects a socket to the one with an address. */
  // @external('linux', 'connect')
  export declare function connect(file: i32, address: usize, bytes: i32): i32;
  /** Has a socket be connected to. */
  // @external('linux', 'listen')
  export declare function listen(file: i32, most: i32): i32;
  /** Sets what a socket has of its own. */
  // @external('linux', 'setsockopt')
  export declare function setsockopt(file: i32, level: i32, option: i32, value: usize, bytes: i32): i32;
  /** Makes a descriptor that a timer makes readable. */
  // @external('linux', 'timerfd_create')
  export declare function timerfd_create(clock: i32, flags: i32): i32;
  /** Gives a range of a file room, or takes it. */
  // @external('linux', 'fallocate')
  export declare function fallocate(file: i32, mode: i32, offset: i64, length: i64): i32;
  /** Sets a timer: interval and first expiry, four words. */
  // @external('linux', 'timerfd_settime')
  export declare function timerfd_settime(file: i32, flags: i32, value: usize, before: usize): i32;
  /** Makes a descriptor that signals make readable; sets have 8 bytes. */
  // @external('linux', 'signalfd4')
  export declare function signalfd4(file: i32, mask: usize, bytes: i32, flags: i32): i32;
  /** Makes a descriptor that counts. */
  // @external('linux', 'eventfd2')
  export declare function eventfd2(value: i32, flags: i32): i32;
  /** Has another descriptor mean the same. */
  // @external('linux', 'dup3')
  export declare function dup3(file: i32, to: i32, flags: i32): i32;
  /** Makes a pipe: the reading end, the writing end, a word each. */
  // @external('linux', 'pipe2')
  export declare function pipe2(address: usize, flags: i32): i32;
  /** Takes the next connection to a socket; gives its descriptor. */
  // @external('linux', 'accept4')
  export declare function accept4(file: i32, address: usize, bytes: usize, flags: i32): i32;
  /** Random bytes; gives how many. Soon after the boot of an old kernel it waits, with flag 1 it is EAGAIN. */
  // @external('linux', 'getrandom')
  export declare function getrandom(address: usize, count: i32, flags: i32): i32;
}

export namespace shared {
  /** Reads a byte that others change. */
  // @external('shared', 'load8')
  export declare function load8(address: usize): u32;
  /** Reads a halfword that others change. */
  // @external('shared', 'load16')
  export declare function load16(address: usize): u32;
  /** Reads a word that others change. */
  // @external('shared', 'load32')
  export declare function load32(address: usize): u32;
  /** Writes a byte that others change. */
  // @external('shared', 'store8')
  export declare function store8(address: usize, value: u32): void;
  /** Writes a halfword that others change. */
  // @external('shared', 'store16')
  export declare function store16(address: usize, value: u32): void;
  /** Writes a word that others change. */
  // @external('shared', 'store32')
  export declare function store32(address: usize, value: u32): void;
  /** Reads two words at once (LDRD: single-copy atomic with LPAE, A3.5.3). The address is a multiple of 8. */
  // @external('shared', 'load64')
  export declare function load64(address: usize): u64;
  /** Writes two words at once (STRD: single-copy atomic with LPAE, A3.5.3). The address is a multiple of 8. */
  // @external('shared', 'store64')
  export declare function store64(address: usize, value: u64): void;
}

export namespace barrier {
  /** Data synchronization barrier, whole system. */
  // @external('barrier', 'dsb')
  export declare function dsb(): void;
  /** Data synchronization barrier, inner shareable. */
  // @external('barrier', 'dsbIsh')
  export declare function dsbIsh(): void;
  /** Data synchronization barrier, inner shareable, for stores. */
  // @external('barrier', 'dsbIshst')
  export declare function dsbIshst(): void;
  /** Data memory barrier, whole system. */
  // @external('barrier', 'dmb')
  export declare function dmb(): void;
  /** Data memory barrier, inner shareable. */
  // @external('barrier', 'dmbIsh')
  export declare function dmbIsh(): void;
  /** Data memory barrier, inner shareable, for stores. */
  // @external('barrier', 'dmbIshst')
  export declare function dmbIshst(): void;
  /** Instruction synchronization barrier. */
  // @external('barrier', 'isb')
  export declare function isb(): void;
  /** Sends an event to all cores. */
  // @external('barrier', 'sev')
  export declare function sev(): void;
  /** Waits for an event. */
  // @external('barrier', 'wfe')
  export declare function wfe(): void;
  /** Waits for an interrupt. */
  // @external('barrier', 'wfi')
  export declare function wfi(): void;
  /** Clears the exclusive monitor. */
  // @external('barrier', 'clrex')
  export declare function clrex(): void;
}

export namespace word {
  /** The bits of a word in reverse. */
  // @external('word', 'rbit')
  export declare function rbit(value: u32): u32;
  /** The bytes of a word in reverse. */
  // @external('word', 'rev')
  export declare function rev(value: u32): u32;
}

export namespace CNTVCT {
  /** CNTVCT: Virtual Count: CNTPCT less CNTVOFF. */
  // @external('sysreg', 'read CNTVCT')
  export declare function read(): u64;
}

// How files are opened.
export const O_RDONLY: i32 = 0x0;
export const O_WRONLY: i32 = 0x1;
export const O_RDWR: i32 = 0x2;
export const O_CREAT: i32 = 0x40;
export const O_EXCL: i32 = 0x80;
export const O_NOCTTY: i32 = 0x100;
export const O_TRUNC: i32 = 0x200;
export const O_APPEND: i32 = 0x400;
export const O_NONBLOCK: i32 = 0x800;
export const O_DIRECTORY: i32 = 0x4000;
export const O_NOFOLLOW: i32 = 0x8000;
export const O_DIRECT: i32 = 0x10000;
export const O_LARGEFILE: i32 = 0x20000;
export const O_CLOEXEC: i32 = 0x80000;

// Errors, negated in results.
export const EPERM: i32 = 0x1;
export const ENOENT: i32 = 0x2;
export const EINTR: i32 = 0x4;
export const EIO: i32 = 0x5;
export const ENXIO: i32 = 0x6;
export const EBADF: i32 = 0x9;
export const ECHILD: i32 = 0xa;
export const EAGAIN: i32 = 0xb;
export const ENOMEM: i32 = 0xc;
export const EACCES: i32 = 0xd;
export const EFAULT: i32 = 0xe;
export const EBUSY: i32 = 0x10;
export const EEXIST: i32 = 0x11;
export const ENODEV: i32 = 0x13;
export const ENOTDIR: i32 = 0x14;
export const EISDIR: i32 = 0x15;
export const EINVAL: i32 = 0x16;
export const EMFILE: i32 = 0x18;
export const ENOTTY: i32 = 0x19;
export const EFBIG: i32 = 0x1b;
export const ENOSPC: i32 = 0x1c;
export const ESPIPE: i32 = 0x1d;
export const EROFS: i32 = 0x1e;
export const EPIPE: i32 = 0x20;
export const ENAMETOOLONG: i32 = 0x24;
export const ENOSYS: i32 = 0x26;
export const ENOTEMPTY: i32 = 0x27;
export const ELOOP: i32 = 0x28;
export const EOVERFLOW: i32 = 0x4b;
export const EOPNOTSUPP: i32 = 0x5f;
export const ECANCELED: i32 = 0x7d;
