// Every system call, with what came of it a line each; linux.test.ts says what that is. Runs in an empty folder.
import {
  barrier, linux, O_CLOEXEC, O_CREAT, O_EXCL, O_LARGEFILE, O_RDONLY, O_RDWR, shared, word,
} from '../../../src/hypberryd/body/linux';
import { copyBlocks } from '../../../src/hypberryd/body/channel/copy';
import { endOutput, print, printForeign, printNumber } from '../../../src/hypberryd/body/output';
import { putText } from '../../../src/hypberryd/body/texts';

const PAIR: usize = 0x40000;
const SET: usize = 0x40010;
const TIME: usize = 0x40020;
const FILES: usize = 0x40040;
const STAT: usize = 0x40080;
const VECTOR: usize = 0x40100;
const PATHS: usize = 0x41000;
const BUFFER: usize = 0x50000;

const BEYOND: i64 = 0x1_0000_0005;

function text(at: usize, what: string): usize {
  store<u8>(putText(at, what), 0);
  return at;
}
function path(what: string): usize { return text(PATHS, what); }

function said(name: string, result: i32): i32 {
  print(name);
  print(result < 0 ? ' -' : ' ');
  printNumber(result < 0 ? -result : result);
  print('\n');
  return result;
}
function bytes(name: string, count: i32): void {
  said(name, count);
  for (let i: i32 = 0; i < count; i++) {
    printNumber(load<u8>(BUFFER + i));
    print(' ');
  }
  print('\n');
}

function files(): void {
  const file = said('open', linux.open(path('file'), O_RDWR | O_CREAT | O_EXCL | O_LARGEFILE | O_CLOEXEC, 0o640));
  said('open again', linux.open(path('file'), O_RDWR | O_CREAT | O_EXCL, 0o640));
  said('ftruncate64', linux.ftruncate64(file, 0x1_4000_0003));
  text(BUFFER, 'HIGH');
  said('pwrite64', linux.pwrite64(file, BUFFER, 4, BEYOND));
  store<u32>(BUFFER, 0);
  bytes('pread64 beyond', linux.pread64(file, BUFFER, 4, BEYOND));
  bytes('pread64 below', linux.pread64(file, BUFFER, 4, BEYOND & 0xffffffff));
  said('pread64 before', linux.pread64(file, BUFFER, 4, -1));
  text(BUFFER, 'WENT');
  said('pwrite64', linux.pwrite64(file, BUFFER, 4, 0x1_1000_0000));
  // A hole for the second, its size kept.
  said('fallocate', linux.fallocate(file, 3, 0x1_1000_0000, 0x1000));
  bytes('pread64 hole', linux.pread64(file, BUFFER, 4, 0x1_1000_0000));
  said('fallocate none', linux.fallocate(file, 3, 0x1_1000_0000, 0));
  said('fchmod', linux.fchmod(file, 0o604));
  said('fstat64', linux.fstat64(file, STAT));
  said('mode', load<u32>(STAT, 16));
  said('size high', load<u32>(STAT, 52));
  said('size low', load<u32>(STAT, 48));
  said('fdatasync', linux.fdatasync(file));
  said('fsync', linux.fsync(file));
  said('flock', linux.flock(file, 6));
  const other = linux.open(path('file'), O_RDONLY | O_LARGEFILE, 0);
  said('flock again', linux.flock(other, 6));
  said('fcntl64', linux.fcntl64(file, 1, 0));
  said('fcntl64 set', linux.fcntl64(other, 2, 1));
  said('fcntl64 get', linux.fcntl64(other, 1, 0));
  said('close', linux.close(other));
  said('close again', linux.close(other));
  said('mkdir', linux.mkdir(path('folder'), 0o700));
  said('mkdir again', linux.mkdir(path('folder'), 0o700));
  said('rename', linux.rename(path('file'), text(PATHS + 64, 'folder/other')));
  said('unlink gone', linux.unlink(path('file')));
  text(BUFFER, 'unlinked');
  said('open unlinked', linux.open(path('unlinked'), O_CREAT | O_RDWR, 0o600) >= 0 ? 1 : 0);
  said('unlink', linux.unlink(path('unlinked')));
  bytes('readlink', linux.readlink(path('link'), BUFFER, 100));
}

function pipes(): void {
  said('pipe2', linux.pipe2(PAIR, O_CLOEXEC));
  const read = load<i32>(PAIR);
  const write = load<i32>(PAIR, 4);
  store<i32>(FILES, read);
  store<u32>(FILES, 1, 4);
  said('poll', linux.poll(FILES, 1, 0));
  said('dup3', linux.dup3(write, 60, 0));
  text(BUFFER, 'abcde');
  said('write', linux.write(60, BUFFER, 5));
  said('poll', linux.poll(FILES, 1, -1));
  said('events', load<u16>(FILES, 6));
  said('ioctl', linux.ioctl(read, 0x541b, PAIR));
  said('waiting', load<i32>(PAIR));
  said('ioctl terminal', linux.ioctl(read, 0x5401, PAIR));
  bytes('read', linux.read(read, BUFFER, 100));
  const file = linux.eventfd2(5, 0);
  bytes('eventfd2', linux.read(file, BUFFER, 8));
}

function clocks(): void {
  said('clock_gettime', linux.clock_gettime(0, TIME));
  print('time ');
  printNumber(load<u32>(TIME));
  print('\n');
  said('clock_gettime none', linux.clock_gettime(99, TIME));
  const timer = linux.timerfd_create(1, 0);
  store<u64>(TIME, 0);
  store<u32>(TIME, 0, 8);
  store<u32>(TIME, 1_000_000, 12);
  said('timerfd_settime', linux.timerfd_settime(timer, 0, TIME, 0));
  store<i32>(FILES, timer);
  said('poll timer', linux.poll(FILES, 1, 10_000));
  bytes('timer', linux.read(timer, BUFFER, 8));
}

function processes(parent: i32): void {
  said('pipe2', linux.pipe2(PAIR, 0));
  const read = load<i32>(PAIR);
  const write = load<i32>(PAIR, 4);
  endOutput();
  const child = linux.fork();
  if (child == 0) {
    store<u8>(BUFFER, linux.getppid() == parent ? 1 : 0);
    store<u8>(BUFFER + 1, linux.getpid() != parent ? 1 : 0);
    store<u8>(BUFFER + 2, linux.setsid() == linux.getpid() ? 1 : 0);
    linux.write(write, BUFFER, 3);
    linux.exit_group(7);
  }
  said('wait4', linux.wait4(child, PAIR, 0, 0) == child ? 1 : 0);
  said('status', load<i32>(PAIR));
  said('wait4 none', linux.wait4(-1, PAIR, 0, 0));
  bytes('child', linux.read(read, BUFFER, 10));
  endOutput();
  if (linux.fork() == 0) {
    store<usize>(VECTOR, text(PATHS + 16, 'sh'));
    store<usize>(VECTOR, text(PATHS + 32, '-c'), 4);
    store<usize>(VECTOR, text(PATHS + 64, 'echo "execve $WORD $1"'), 8);
    store<usize>(VECTOR, text(PATHS + 128, 'sh'), 12);
    store<usize>(VECTOR, text(PATHS + 144, 'argument'), 16);
    store<usize>(VECTOR, 0, 20);
    store<usize>(VECTOR, text(PATHS + 160, 'WORD=word'), 24);
    store<usize>(VECTOR, 0, 28);
    linux.exit_group(linux.execve(path('/bin/sh'), VECTOR, VECTOR + 24));
  }
  linux.wait4(-1, PAIR, 0, 0);
  said('status', load<i32>(PAIR));
}

function signals(): void {
  // SIGUSR1, 10.
  store<u64>(SET, 1 << 9);
  said('rt_sigprocmask', linux.rt_sigprocmask(0, SET, 0, 8));
  said('rt_sigprocmask size', linux.rt_sigprocmask(0, SET, 0, 4));
  const file = linux.signalfd4(-1, SET, 8, O_CLOEXEC);
  said('kill', linux.kill(linux.getpid(), 10));
  said('signalfd4', linux.read(file, BUFFER, 128));
  said('signal', load<u32>(BUFFER));
  said('kill none', linux.kill(linux.getpid(), 99));
}

function mapped(): void {
  const file = linux.open(path('mapped'), O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
  linux.ftruncate64(file, 0x3000);
  text(BUFFER, 'xyz');
  linux.pwrite64(file, BUFFER, 3, 0x2000);
  const at = linux.mmap2(0, 0x1000, 3, 1, file, 2);
  said('mmap2', load<u8>(at));
  store<u8>(at, 0x41);
  linux.pread64(file, BUFFER, 1, 0x2000);
  said('stored', load<u8>(BUFFER));
  said('munmap', linux.munmap(at, 0x1000));
  said('mmap2 none', linux.mmap2(0, 0x1000, 3, 1, -1, 0));
  said('mlockall', linux.mlockall(0));
}

function sockets(): void {
  // AF_UNIX, SOCK_SEQPACKET; SOL_SOCKET, SO_RCVTIMEO.
  const server = linux.socket(1, 5 | O_CLOEXEC, 0);
  store<u16>(BUFFER, 1);
  text(BUFFER + 2, 'asked');
  said('bind', linux.bind(server, BUFFER, 8));
  said('bind again', linux.bind(server, BUFFER, 8));
  said('listen', linux.listen(server, 4));
  said('chmod', linux.chmod(path('asked'), 0o600));
  said('chown32', linux.chown32(path('asked'), -1, -1));
  const client = linux.socket(1, 5, 0);
  said('connect', linux.connect(client, BUFFER, 8));
  const connection = linux.accept4(server, 0, 0, O_CLOEXEC);
  said('accept4', connection > client ? 1 : 0);
  store<u64>(TIME, 1);
  said('setsockopt', linux.setsockopt(connection, 1, 20, TIME, 8));
  said('setsockopt none', linux.setsockopt(connection, 1, 20, TIME, 1));
  text(BUFFER, 'ask');
  said('write', linux.write(client, BUFFER, 3));
  bytes('message', linux.read(connection, BUFFER, 100));
  said('unlink', linux.unlink(path('asked')));
}

function others(): void {
  text(PATHS, 'named');
  said('prctl', linux.prctl(15, <i32>PATHS, 0, 0, 0));
  said('prctl', linux.prctl(16, <i32>BUFFER, 0, 0, 0));
  printForeign(BUFFER);
  print('\n');
  said('prctl fifth', linux.prctl(38, 1, 0, 0, 1));
  said('prctl none', linux.prctl(38, 1, 0, 0, 0));
  said('setpriority', linux.setpriority(0, 0, 3));
  said('setpriority none', linux.setpriority(9, 0, 3));
  said('geteuid32', linux.geteuid32());
  said('socket', linux.socket(1, 2, 0) > 0 ? 1 : 0);
  said('socket none', linux.socket(1, 2, 99));
  const socket = linux.socket(1, 2, 0);
  // A struct sockaddr_un: the family, then a path.
  store<u16>(BUFFER, 1);
  text(BUFFER + 2, 'bound');
  said('bind', linux.bind(socket, BUFFER, 8));
  said('connect', linux.connect(socket, BUFFER, 8));
  said('unlink bound', linux.unlink(BUFFER + 2));
  said('connect none', linux.connect(socket, BUFFER, 8));
  sockets();
  store<u64>(BUFFER, 0);
  store<u64>(BUFFER, 0, 8);
  said('getrandom', linux.getrandom(BUFFER, 16, 0));
  said('random', load<u64>(BUFFER) != load<u64>(BUFFER, 8) ? 1 : 0);
  said('getrandom none', linux.getrandom(BUFFER, 16, 99));
}

/** What a program that shares memory has beside system calls. */
function sharing(): void {
  shared.store32(BUFFER, 0x12345678);
  barrier.dmb();
  said('shared', <i32>word.rev(shared.load32(BUFFER)));
  for (let i: u32 = 0; i < 96; i++) store<u8>(BUFFER + 4 + i, <u8>(i + 1));
  store<u32>(BUFFER + 0x1000, 0x11111111);
  store<u32>(BUFFER + 0x1000 + 68, 0x22222222);
  copyBlocks(BUFFER + 0x1004, BUFFER + 4, 64);
  let sum: i32 = 0;
  for (let i: u32 = 0; i < 64; i++) sum += <i32>load<u8>(BUFFER + 0x1004 + i) * (i + 1);
  said('copied', sum);
  said('before', load<i32>(BUFFER + 0x1000));
  said('behind', load<i32>(BUFFER + 0x1000 + 68));
}

export function main(count: i32, argv: usize, envp: usize, auxv: usize): i32 {
  said('arguments', count);
  printForeign(load<usize>(argv, 4));
  print('\n');
  said('end of arguments', load<i32>(argv + 4 * count));
  for (let at = envp; load<usize>(at) != 0; at += 4) {
    printForeign(load<usize>(at));
    print('\n');
  }
  // AT_PAGESZ, AT_EUID; AT_NULL ends the vector.
  for (let at = auxv; load<u32>(at) != 0; at += 8) {
    if (load<u32>(at) == 6) said('page size', load<i32>(at, 4));
    if (load<u32>(at) == 12) said('user', load<i32>(at, 4));
  }
  files();
  pipes();
  clocks();
  processes(linux.getpid());
  signals();
  mapped();
  others();
  sharing();
  endOutput();
  return 300;
}
