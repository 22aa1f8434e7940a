/**
 * A small kernel of Linux on Arm for programs that run in Node as WebAssembly: files, folders, locks, descriptors, pipes,
 * devices, signals that wait, errors. kernel.test.ts compares it with Linux, by random calls. A call that it has not ends the
 * test. One process runs at a time, to its end; what others do meanwhile, a test does between its calls.
 */
import { ERRORS, OPEN_FLAGS } from '../../src/translate/linux/constants.js';
import { SYSTEM_CALLS } from '../../src/translate/linux/system-calls.js';
import { createLocks, type Locks } from './locks.js';
import { createMappings, MAPPED_PAGE } from './mappings.js';
import { createTree, type FileNode, type FolderNode, type Node, type Tree } from './tree.js';

/** WebAssembly's JavaScript side, which TypeScript's libraries for Node leave out. */
interface Engine {
  Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: object,
  ) => { exports: Record<string, (...args: number[]) => number> };
}
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

const PAGE = 0x1_0000;
const MOST_PAGES = 0x1_0000;
/** Room for arguments and environment, above the program's memory. */
const STACK_BYTES = 0x1_0000;
/** Descriptors that a process can have (RLIMIT_NOFILE). */
const MOST_DESCRIPTORS = 1024;
/** What a pipe holds (man 7 pipe). */
const PIPE_SIZE = 0x1_0000;
/** The largest offset without O_LARGEFILE (Linux, include/linux/fs.h, MAX_NON_LFS). */
const MOST_SMALL = 0x7fff_ffff;
const ACCESS = 3;
const SIGPIPE = 13;
const SIG_BLOCK = 0;
const SIGNAL_SET_SIZE = 8;
const S_IFIFO = 0o1_0000;
const S_IFREG = 0o10_0000;
const S_IFDIR = 0o4_0000;
/** Of struct stat64 (Linux, arch/arm/include/uapi/asm/stat.h). */
const STAT = { mode: 16, size: 48, bytes: 104 } as const;
const PROCESS = 100;
const PARENT = 50;
const CHILD = 150;
const SIGNAL_INFO_SIZE = 128;
/** Milliseconds after which a program that sleeps is taken for one that does nothing else. */
const LONGEST_RUN = 3_600_000;
/** Calls and accesses to shared memory after which one that never sleeps is taken for one that goes round and round. */
const MOST_AWAKE = 1_000_000;
/** When the clock of the day begins: 2026. */
export const FIRST_SECOND = 1_767_225_600;
const POLL = { readable: 1, error: 8, hungUp: 0x10, invalid: 0x20 } as const;
const FALLOC = { keepSize: 1, punchHole: 2, zeroRange: 0x10 } as const;

/** What a device file does; what is left out fails as it does for a device that has it not. */
export interface Device {
  /** Gives how many bytes were read, or an error, negated. */
  read?(into: Uint8Array): number;
  write?(bytes: Uint8Array): number;
  /** Gives the result. */
  ioctl?(request: number, argument: number, memory: DataView): number;
  isReadable?(): boolean;
  /** Of sockets, which are all one device, `socket`: has them speak with an address, or have one; gives the result. */
  connect?(address: Uint8Array): number;
  bind?(address: Uint8Array): number;
  /** The memory behind it, from an offset on. */
  map?(offset: number, bytes: number): Uint8Array;
}

interface Pipe {
  bytes: number[];
  readers: number;
  writers: number;
}
/** What an open descriptor means; several may mean the same. */
interface Description {
  readonly of:
    | FileNode
    | FolderNode
    | { readonly kind: 'pipe'; readonly pipe: Pipe }
    | { readonly kind: 'device'; readonly device: Device }
    | { readonly kind: 'event'; count: bigint }
    | { readonly kind: 'signals' }
    | { readonly kind: 'clock'; wasSet: boolean }
    | { readonly kind: 'socket' }
    | { readonly kind: 'sink'; readonly bytes: number[] };
  readonly flags: number;
  position: number;
  references: number;
}

/** What outlives a process: files, their locks, devices; and calls that were under way when it was killed. */
export interface Machine {
  readonly tree: Tree;
  readonly locks: Locks;
  readonly devices: Readonly<Record<string, Device>>;
  /** Ends the calls that killed processes were in, and then those processes. */
  settle(): void;
  readonly late: (() => void)[];
}

/** @param files by their paths; one that ends in `/` is a folder */
export function createMachine(
  files: Readonly<Record<string, string | Uint8Array>>,
  devices: Readonly<Record<string, Device>> = {},
): Machine {
  const late: (() => void)[] = [];
  return {
    ...{ tree: createTree(files, fail), locks: createLocks(), devices, late },
    settle() {
      for (const end of late.splice(0)) end();
    },
  };
}

/** A process, for who plays the rest of the world. */
export interface Process {
  /** Sends it a signal that waits to be read. */
  signal(signal: number): void;
  /** Adds 1 to what an eventfd counts, if there is one; the first is 0. */
  ring(n: number): void;
  /** What it counts. */
  rung(n: number): bigint;
  /** Sets the clock so many seconds ahead. */
  setClock(by: number): void;
  /** Lets so many milliseconds pass. */
  pass(milliseconds: number): void;
  /** Whether a fork has returned 0. */
  readonly isChild: boolean;
}

/** The rest of the world. */
export interface World {
  /**
   * Before each call and each access to shared memory, by its name. It may give a result, which is that of the call instead,
   * or `killed`, or `killed in it`: the process is gone, and what it did, if it did not sleep, is done by `Machine.settle`.
   */
  before?(call: string, process: Process): number | 'killed' | 'killed in it' | undefined;
  /** It sleeps: what happens meanwhile. Gives whether anything did; if not, time passes. */
  idle?(process: Process): boolean;
  /** Gives what the n-th fork returns. */
  fork?(n: number): number;
  /** The child that has ended, if one has, with its status. */
  ended?(): { process: number; status: number } | undefined;
  kill?(process: number, signal: number): void;
  /** What becoming another program gives; one that is there ends the process by `killed`. */
  exec?(path: string, argv: readonly string[], environment: number, stdin: Uint8Array): number | undefined;
  /** What the child of the n-th fork writes into the pipe that was made last. */
  says?(n: number): string;
  /** The user; default: root. */
  readonly user?: number;
  /** Hears how many milliseconds the machine has run, when time has passed. */
  time?(milliseconds: number): void;
  /** The count of the virtual counter; default: reading it is a fault. */
  counter?(): bigint;
}

/** How a process is started. */
export interface Start {
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly environment?: readonly string[];
  /** What it reads, or a terminal. */
  readonly stdin?: Uint8Array | Device;
  /** Files by their absolute paths; a path that ends in `/` is a folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** In place of files: what there was before. */
  readonly machine?: Machine;
  readonly world?: World;
  /** Results that calls give instead of doing anything, the first call the first; undefined for a call that is done. */
  readonly forced?: Readonly<Record<string, (number | undefined)[]>>;
  /** First address that is not the program's. */
  readonly end: number;
}

/** How it ended: its status, or the signal; and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

class Exit {
  constructor(
    readonly status: number | null,
    readonly signal: string | null,
  ) {}
}
class Failure {
  constructor(readonly error: number) {}
}
function fail(error: keyof typeof ERRORS): never {
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- caught by the call that it ends
  throw new Failure(ERRORS[error]);
}

/** Runs a program's `main` to its end. */
export function runInNode(wasm: Uint8Array, start: Start): Ended {
  const pages = Math.ceil((start.end + STACK_BYTES) / PAGE);
  const wasmMemory = new engine.Memory({ initial: pages, maximum: MOST_PAGES });
  const memory = new Uint8Array(wasmMemory.buffer);
  const view = new DataView(wasmMemory.buffer);
  const machine = start.machine ?? createMachine(start.files ?? {});
  const { tree, locks, devices } = machine;
  const world = start.world ?? {};
  const mappings = createMappings(memory);
  const events: { kind: 'event'; count: bigint }[] = [];
  const signals: number[] = [];
  const clocks: { kind: 'clock'; wasSet: boolean }[] = [];
  let firstSecond = FIRST_SECOND;
  let [forks, milliseconds, isChild] = [0, 0, false];
  let lastPipe: Pipe | undefined;
  const descriptors = new Map<number, Description>();
  let isPipeSignalBlocked = false;

  const sink = (): Description & { of: { bytes: number[] } } => ({
    ...{ of: { kind: 'sink', bytes: [] }, flags: OPEN_FLAGS.O_WRONLY, position: 0, references: 1 },
  });
  const [stdout, stderr] = [sink(), sink()];
  const { stdin = new Uint8Array() } = start;
  descriptors.set(0, {
    of:
      stdin instanceof Uint8Array
        ? { kind: 'pipe', pipe: { bytes: [...stdin], readers: 1, writers: 0 } }
        : { kind: 'device', device: stdin },
    flags: OPEN_FLAGS.O_RDONLY,
    position: 0,
    references: 1,
  });
  descriptors.set(1, stdout);
  descriptors.set(2, stderr);

  const described = (file: number): Description => descriptors.get(file) ?? fail('EBADF');
  const take = (of: Description['of'], flags: number): number => {
    let file = 0;
    while (descriptors.has(file)) file++;
    if (file >= MOST_DESCRIPTORS) fail('EMFILE');
    descriptors.set(file, { of, flags, position: 0, references: 1 });
    return file;
  };
  const isReader = ({ flags }: Description): boolean => (flags & ACCESS) !== OPEN_FLAGS.O_WRONLY;
  const isWriter = ({ flags }: Description): boolean => (flags & ACCESS) !== OPEN_FLAGS.O_RDONLY;
  const drop = (file: number): void => {
    const description = described(file);
    descriptors.delete(file);
    if (--description.references > 0) return;
    locks.release(description);
    if (description.of.kind !== 'pipe') return;
    if (isReader(description)) description.of.pipe.readers--;
    else description.of.pipe.writers--;
  };

  const bytesAt = (address: number, count: number): Uint8Array => {
    const at = address >>> 0;
    return at + count > memory.length ? fail('EFAULT') : memory.subarray(at, at + count);
  };
  const pathAt = (address: number): string => {
    const at = address >>> 0;
    const end = at < memory.length ? memory.indexOf(0, at) : -1;
    if (end < 0) fail('EFAULT');
    if (end - at >= 4096) fail('ENAMETOOLONG');
    return new TextDecoder().decode(memory.subarray(at, end));
  };

  const readFrom = ({ of }: Description, into: Uint8Array, position: number): number => {
    if (of.kind === 'folder') return fail('EISDIR');
    if (of.kind !== 'file') throw new Error('nothing else has places');
    return of.content.read(position, into);
  };
  const writeTo = (description: Description, bytes: Uint8Array, wanted: number): number => {
    const { of, flags } = description;
    if (of.kind !== 'file') throw new Error('nothing else has places');
    const position = flags & OPEN_FLAGS.O_APPEND ? of.content.size : wanted;
    let count = bytes.length;
    if (!(flags & OPEN_FLAGS.O_LARGEFILE) && count > 0) {
      if (position >= MOST_SMALL) fail('EFBIG');
      count = Math.min(count, MOST_SMALL - position);
    }
    of.content.write(position, bytes.subarray(0, count));
    return count;
  };
  const readPipe = ({ flags }: Description, pipe: Pipe, into: Uint8Array): number => {
    if (into.length === 0) return 0;
    if (pipe.bytes.length === 0 && pipe.writers > 0) {
      if (flags & OPEN_FLAGS.O_NONBLOCK) fail('EAGAIN');
      throw new Error('the program waits for ever');
    }
    const bytes = pipe.bytes.splice(0, into.length);
    into.set(bytes);
    return bytes.length;
  };
  const writePipe = (pipe: Pipe, bytes: Uint8Array): number => {
    if (bytes.length === 0) return 0;
    if (pipe.readers === 0) {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the end of the process
      if (!isPipeSignalBlocked) throw new Exit(null, 'SIGPIPE');
      fail('EPIPE');
    }
    if (pipe.bytes.length + bytes.length > PIPE_SIZE) throw new Error('more than this pipe holds');
    pipe.bytes.push(...bytes);
    return bytes.length;
  };

  const isReadable = (description: Description): boolean => {
    const { of } = description;
    if (of.kind === 'pipe') return isReader(description) && of.pipe.bytes.length > 0;
    if (of.kind === 'event') return of.count > 0n;
    if (of.kind === 'signals') return signals.length > 0;
    if (of.kind === 'clock') return of.wasSet;
    if (of.kind === 'device') return of.device.isReadable?.() ?? true;
    if (of.kind === 'socket') return devices['socket']?.isReadable?.() ?? false;
    return of.kind === 'file' || of.kind === 'folder';
  };
  /** What poll finds, wanting POLLIN. */
  const eventsOf = (file: number): number => {
    const description = descriptors.get(file);
    if (!description) return POLL.invalid;
    const { of } = description;
    const readable = isReadable(description) ? POLL.readable : 0;
    if (of.kind !== 'pipe') return readable;
    if (isReader(description)) return readable | (of.pipe.writers === 0 ? POLL.hungUp : 0);
    return of.pipe.readers === 0 ? POLL.error : 0;
  };
  const readSignals = (into: Uint8Array, flags: number): number => {
    if (into.length < SIGNAL_INFO_SIZE) fail('EINVAL');
    const signal = signals.shift();
    if (signal === undefined) {
      if (flags & OPEN_FLAGS.O_NONBLOCK) fail('EAGAIN');
      throw new Error('the program waits for ever');
    }
    into.fill(0, 0, SIGNAL_INFO_SIZE);
    new DataView(into.buffer, into.byteOffset).setUint32(0, signal, true);
    return SIGNAL_INFO_SIZE;
  };
  /** A timer that never ends, which is cancelled when the clock is set (man 2 timerfd_create). */
  const readClock = (of: { wasSet: boolean }): number => {
    const { wasSet } = of;
    of.wasSet = false;
    return fail(wasSet ? 'ECANCELED' : 'EAGAIN');
  };
  const readEvent = (of: { count: bigint }, into: Uint8Array, flags: number): number => {
    if (into.length < 8) fail('EINVAL');
    if (of.count === 0n) {
      if (flags & OPEN_FLAGS.O_NONBLOCK) fail('EAGAIN');
      throw new Error('the program waits for ever');
    }
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, of.count, true);
    of.count = 0n;
    return 8;
  };
  /** Device files and what else is no place for bytes: a result of reading or writing, else undefined. */
  const readOther = ({ of, flags }: Description, into: Uint8Array): number | undefined => {
    if (of.kind === 'signals') return readSignals(into, flags);
    if (of.kind === 'event') return readEvent(of, into, flags);
    if (of.kind === 'clock') return readClock(of);
    if (of.kind === 'socket') return devices['socket']?.read?.(into) ?? fail('EINVAL');
    return of.kind === 'device' ? (of.device.read?.(into) ?? fail('EINVAL')) : undefined;
  };
  const writeOther = ({ of }: Description, bytes: Uint8Array): number | undefined => {
    if (of.kind === 'event') {
      if (bytes.length < 8) fail('EINVAL');
      of.count += new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
      return 8;
    }
    if (of.kind === 'socket') return devices['socket']?.write?.(bytes) ?? fail('EINVAL');
    return of.kind === 'device' ? (of.device.write?.(bytes) ?? fail('EINVAL')) : undefined;
  };

  /** Where pread64 and pwrite64 begin. */
  const placed = (file: number, offset: bigint): Description => {
    if (offset < 0n) fail('EINVAL');
    const description = described(file);
    const { kind } = description.of;
    return kind === 'file' || kind === 'folder' ? description : fail('ESPIPE');
  };

  const sync = (file: number): number => {
    const { kind } = described(file).of;
    return kind === 'file' || kind === 'folder' ? 0 : fail('EINVAL');
  };
  const process: Process = {
    signal: (signal) => signals.push(signal),
    ring: (n) => {
      const event = events[n];
      if (event) event.count++;
    },
    rung: (n) => events[n]?.count ?? 0n,
    setClock: (by) => {
      firstSecond += by;
      for (const it of clocks) it.wasSet = true;
    },
    pass: (by) => {
      milliseconds += by;
    },
    get isChild() {
      return isChild;
    },
  };

  /** Calls and accesses since it slept last. */
  let awake = 0;
  const calls: Record<string, (...args: never[]) => number> = {
    read: (file: number, address: number, count: number) => {
      const description = described(file);
      if (!isReader(description)) fail('EBADF');
      const into = bytesAt(address, count);
      const other = readOther(description, into);
      if (other !== undefined) return other;
      if (description.of.kind === 'pipe') return readPipe(description, description.of.pipe, into);
      const done = readFrom(description, into, description.position);
      description.position += done;
      return done;
    },
    write: (file: number, address: number, count: number) => {
      const description = described(file);
      const { of } = description;
      if (!isWriter(description)) fail('EBADF');
      const bytes = bytesAt(address, count);
      const other = writeOther(description, bytes);
      if (other !== undefined) return other;
      if (of.kind === 'sink') return (of.bytes.push(...bytes), count);
      if (of.kind === 'pipe') return writePipe(of.pipe, bytes);
      const done = writeTo(description, bytes, description.position);
      if (of.kind === 'file' && description.flags & OPEN_FLAGS.O_APPEND)
        description.position = of.content.size;
      else description.position += done;
      return done;
    },
    pread64: (file: number, address: number, count: number, offset: bigint) => {
      const description = placed(file, offset);
      if (!isReader(description)) fail('EBADF');
      return readFrom(description, bytesAt(address, count), Number(offset));
    },
    pwrite64: (file: number, address: number, count: number, offset: bigint) => {
      const description = placed(file, offset);
      if (!isWriter(description)) fail('EBADF');
      return writeTo(description, bytesAt(address, count), Number(offset));
    },
    open: (path: number, flags: number, mode: number) => {
      const { O_CREAT, O_EXCL, O_DIRECTORY, O_TRUNC, O_LARGEFILE, O_RDONLY } = OPEN_FLAGS;
      const name = pathAt(path);
      const device = devices[name];
      if (device) return take({ kind: 'device', device }, flags);
      const place = tree.placeOf(name);
      let node: Node | undefined = place.node;
      if (!node) {
        if (!(flags & O_CREAT)) fail('ENOENT');
        node = tree.makeFile(place, mode & 0o777);
      } else {
        if ((flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) fail('EEXIST');
        const writes = (flags & ACCESS) !== O_RDONLY || (flags & (O_CREAT | O_TRUNC)) !== 0;
        if (node.kind === 'folder' && writes) fail('EISDIR');
        if (node.kind === 'file' && flags & O_DIRECTORY) fail('ENOTDIR');
        if (node.kind === 'file' && !(flags & O_LARGEFILE) && node.content.size > MOST_SMALL)
          fail('EOVERFLOW');
        if (node.kind === 'file' && flags & O_TRUNC) node.content.resize(0);
      }
      return take(node, flags);
    },
    close: (file: number) => (drop(file), 0),
    unlink: (path: number) => (tree.unlink(pathAt(path)), 0),
    rename: (from: number, to: number) => (tree.rename(pathAt(from), pathAt(to)), 0),
    mkdir: (path: number, mode: number) => (tree.makeFolder(pathAt(path), mode), 0),
    ftruncate64: (file: number, length: bigint) => {
      if (length < 0n) fail('EINVAL');
      const description = described(file);
      if (description.of.kind !== 'file' || !isWriter(description)) return fail('EINVAL');
      description.of.content.resize(Number(length));
      return 0;
    },
    fstat64: (file: number, address: number) => {
      const { of } = described(file);
      bytesAt(address, STAT.bytes).fill(0);
      const kinds: Partial<Record<typeof of.kind, number>> = { file: S_IFREG, folder: S_IFDIR };
      const mode = of.kind === 'file' || of.kind === 'folder' ? of.mode : 0o600;
      view.setUint32((address >>> 0) + STAT.mode, (kinds[of.kind] ?? S_IFIFO) | mode, true);
      if (of.kind === 'file') view.setBigInt64((address >>> 0) + STAT.size, BigInt(of.content.size), true);
      return 0;
    },
    fdatasync: (file: number) => sync(file),
    fsync: (file: number) => sync(file),
    fchmod: (file: number, mode: number) => {
      const { of } = described(file);
      if (of.kind === 'socket') return 0;
      if (of.kind !== 'file') throw new Error('no mode of that');
      of.mode = mode & 0o7777;
      return 0;
    },
    execve: (path: number, argv: number, envp: number) => {
      const words: string[] = [];
      for (let at = argv >>> 0; view.getUint32(at, true) !== 0; at += 4)
        words.push(pathAt(view.getUint32(at, true)));
      const of = descriptors.get(0)?.of;
      const input = Uint8Array.from(of?.kind === 'pipe' ? of.pipe.bytes : []);
      return world.exec?.(pathAt(path), words, envp, input) ?? fail('ENOENT');
    },
    flock: (file: number, operation: number) => {
      const description = described(file);
      const { of } = description;
      return locks.lock(of.kind === 'pipe' ? of.pipe : of, description, operation, fail);
    },
    fallocate: (file: number, mode: number, offset: bigint, length: bigint) => {
      const description = described(file);
      const { of } = description;
      if (offset < 0n || length <= 0n) fail('EINVAL');
      const { keepSize, punchHole, zeroRange } = FALLOC;
      if (mode !== (keepSize | punchHole) && mode !== (keepSize | zeroRange)) fail('EOPNOTSUPP');
      if (!isWriter(description)) fail('EBADF');
      if (of.kind === 'pipe') fail('ESPIPE');
      if (of.kind !== 'file') return fail('ENODEV');
      of.content.clear(Number(offset), Number(length));
      return 0;
    },
    ioctl: (file: number, request: number, argument: number) => {
      const { of } = described(file);
      const device = of.kind === 'socket' ? devices['socket'] : of.kind === 'device' ? of.device : undefined;
      return device?.ioctl?.(request >>> 0, argument, view) ?? fail('ENOTTY');
    },
    mmap2: (_: number, bytes: number, protection: number, flags: number, file: number, page: number) => {
      if (protection !== 3 || flags !== 1) throw new Error('not that mapping');
      const { of } = described(file);
      if (of.kind !== 'device') return fail('ENODEV');
      return mappings.add((of.device.map ?? fail('ENODEV'))((page >>> 0) * MAPPED_PAGE, bytes));
    },
    poll: (address: number, count: number, timeout: number) => {
      const ready = (): number => {
        let found = 0;
        for (let i = 0; i < count; i++) {
          const at = (address >>> 0) + 8 * i;
          const file = view.getInt32(at, true);
          const events = file < 0 ? 0 : eventsOf(file);
          view.setUint16(at + 6, events, true);
          if (events !== 0) found++;
        }
        return found;
      };
      for (;;) {
        const found = ready();
        if (found > 0 || timeout === 0) return found;
        awake = 0;
        if (world.idle?.(process)) continue;
        if (timeout < 0 || milliseconds > LONGEST_RUN) throw new Error('the program waits for ever');
        milliseconds += timeout;
        world.time?.(milliseconds);
        return 0;
      }
    },
    eventfd2: (count: number, flags: number) => {
      const event = { kind: 'event' as const, count: BigInt(count) };
      events.push(event);
      return take(event, flags | OPEN_FLAGS.O_RDWR);
    },
    signalfd4: (file: number, _: number, bytes: number, flags: number) => {
      if (file !== -1 || bytes !== SIGNAL_SET_SIZE) throw new Error('not those signals');
      return take({ kind: 'signals' }, flags);
    },
    timerfd_create: (clock: number, flags: number) => {
      if (clock !== 0 || (flags & OPEN_FLAGS.O_NONBLOCK) === 0) throw new Error('not that timer');
      const of = { kind: 'clock' as const, wasSet: false };
      clocks.push(of);
      return take(of, flags);
    },
    timerfd_settime: (file: number, flags: number, value: number, before: number) => {
      const words = [0, 4, 8, 12].map((at) => view.getUint32(value + at, true));
      // By the clock's time, cancelled when that is set; no interval, and an end that is far ahead.
      if (described(file).of.kind !== 'clock' || flags !== 3 || before !== 0)
        throw new Error('not that timer');
      if (words.join() !== [0, 0, 0x7fff_ffff, 0].join()) throw new Error('not that time');
      return 0;
    },
    socket: () => take({ kind: 'socket' }, OPEN_FLAGS.O_RDWR),
    connect: (file: number, address: number, size: number) => {
      if (described(file).of.kind !== 'socket') throw new Error('no socket');
      return devices['socket']?.connect?.(bytesAt(address, size).slice()) ?? fail('EINVAL');
    },
    bind: (file: number, address: number, size: number) => {
      if (described(file).of.kind !== 'socket') throw new Error('no socket');
      return devices['socket']?.bind?.(bytesAt(address, size).slice()) ?? 0;
    },
    // Sockets between processes are tried under Linux: here nobody asks, and nobody answers.
    listen: (file: number) => (described(file), 0),
    accept4: (file: number) => (described(file), fail('EAGAIN')),
    setsockopt: (file: number) => (described(file), 0),
    chown32: (path: number) => (tree.placeOf(pathAt(path)).node ?? fail('ENOENT'), 0),
    chmod: (path: number, mode: number) => {
      const node = tree.placeOf(pathAt(path)).node ?? fail('ENOENT');
      Object.assign(node, { mode: mode & 0o7777 });
      return 0;
    },
    prctl: () => 0,
    getppid: () => (isChild ? PROCESS : PARENT),
    geteuid32: () => world.user ?? 0,
    fork: () => {
      const said = world.says?.(forks);
      const result = (world.fork ?? fail('EAGAIN'))(forks++);
      if (result === 0) isChild = true;
      else if (said !== undefined) lastPipe?.bytes.push(...new TextEncoder().encode(said));
      return result;
    },
    wait4: (_: number, status: number) => {
      const ended = world.ended?.();
      if (!ended) return 0;
      view.setInt32(status, ended.status, true);
      return ended.process;
    },
    kill: (process: number, signal: number) => (world.kill?.(process, signal), 0),
    clock_gettime: (clock: number, address: number) => {
      const seconds = Math.floor(milliseconds / 1000) + (clock === 0 ? firstSecond : 0);
      view.setUint32(address, seconds, true);
      view.setUint32(address + 4, (milliseconds % 1000) * 1_000_000, true);
      return 0;
    },
    getrandom: (address: number, count: number) => {
      bytesAt(address, count).forEach((_, i, all) => (all[i] = (i * 7 + 1) & 0xff));
      return count;
    },
    dup3: (file: number, to: number, flags: number) => {
      if (flags & ~OPEN_FLAGS.O_CLOEXEC || file === to) fail('EINVAL');
      if (to < 0 || to >= MOST_DESCRIPTORS) fail('EBADF');
      const description = described(file);
      if (descriptors.has(to)) drop(to);
      description.references++;
      descriptors.set(to, description);
      return to;
    },
    pipe2: (address: number, flags: number) => {
      bytesAt(address, 8);
      const { O_NONBLOCK, O_CLOEXEC, O_RDONLY, O_WRONLY } = OPEN_FLAGS;
      if (flags & ~(O_NONBLOCK | O_CLOEXEC)) fail('EINVAL');
      const pipe: Pipe = { bytes: [], readers: 1, writers: 1 };
      lastPipe = pipe;
      view.setInt32(address, take({ kind: 'pipe', pipe }, flags | O_RDONLY), true);
      view.setInt32(address + 4, take({ kind: 'pipe', pipe }, flags | O_WRONLY), true);
      return 0;
    },
    rt_sigprocmask: (how: number, set: number, before: number, bytes: number) => {
      if (how !== SIG_BLOCK || before !== 0 || bytes !== SIGNAL_SET_SIZE) throw new Error('not that mask');
      if (view.getUint32(set, true) & (1 << (SIGPIPE - 1))) isPipeSignalBlocked = true;
      return 0;
    },
    getpid: () => (isChild ? CHILD : PROCESS),
    exit_group: (status: number) => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the end of the process
      throw new Exit(status & 0xff, null);
    },
  };

  const forced = new Map(Object.entries(start.forced ?? {}).map(([name, results]) => [name, [...results]]));
  const attempt = (it: () => number): number => {
    try {
      return it();
    } catch (error) {
      if (error instanceof Failure) return -error.error;
      throw error;
    }
  };
  const end = (): void => {
    for (const file of [...descriptors.keys()]) drop(file);
  };
  /** Lets the world act before a call, or an access; gives a result that the world has for it. */
  const before = (name: string, done: () => unknown): number | undefined => {
    if (++awake > MOST_AWAKE) throw new Error(`the program goes round and round, at last in ${name}`);
    const what = world.before?.(name, process);
    if (what === undefined || typeof what === 'number') return what;
    if (what === 'killed' || name === 'poll') end();
    else {
      machine.late.push(() => {
        done();
        end();
      });
    }
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the end of the process
    throw new Exit(null, 'SIGKILL');
  };
  const call =
    (name: string) =>
    (...args: never[]): number => {
      const it = calls[name];
      if (!it) throw new Error(`the kernel of the tests has no ${name}`);
      const done = (): number => attempt(() => it(...args));
      return forced.get(name)?.shift() ?? before(name, done) ?? done();
    };

  /** Arguments, environment and an empty auxiliary vector, as the kernel has them on the stack. */
  const writeStack = (): [argc: number, argv: number, envp: number, auxv: number] => {
    let at = memory.length;
    const texts = (all: readonly string[]): number[] =>
      all.map((text) => {
        const bytes = new TextEncoder().encode(`${text}\0`);
        at -= bytes.length;
        memory.set(bytes, at);
        return at;
      });
    const environment = start.environment ?? [];
    const words = [...texts(start.args), 0, ...texts(environment), 0, 0, 0];
    const argv = (at - 4 * words.length) & ~7;
    words.forEach((word, i) => {
      view.setUint32(argv + 4 * i, word, true);
    });
    const envp = argv + 4 * (start.args.length + 1);
    return [start.args.length, argv, envp, envp + 4 * (environment.length + 1)];
  };

  const instance = new engine.Instance(new engine.Module(wasm), {
    env: { memory: wasmMemory },
    linux: Object.fromEntries(Object.keys(SYSTEM_CALLS).map((name) => [name, call(name)])),
    shared: {
      load32: (address: number) => {
        before('load32', () => 0);
        return mappings.load(address >>> 0);
      },
      store32: (address: number, value: number) => {
        before('store32', () => 0);
        mappings.store(address >>> 0, value);
      },
    },
    barrier: { dmb: () => undefined },
    assembly: {
      copyBlocks: (to: number, from: number, count: number) => {
        const copy = (bytes: number): void => {
          mappings.copy(to >>> 0, from >>> 0, bytes);
        };
        before('copyBlocks', () => {
          copy(32);
        });
        copy(count);
      },
    },
    word: {
      rev: (value: number) =>
        (value << 24) | ((value << 8) & 0xff_0000) | ((value >>> 8) & 0xff00) | (value >>> 24) | 0,
    },
    sysreg: {
      'read CNTVCT': () => {
        const count = world.counter?.();
        if (count !== undefined) return count;
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- the end of the process
        throw new Exit(null, 'SIGILL');
      },
    },
  });
  const ended = (): Pick<Ended, 'status' | 'signal'> => {
    try {
      return { status: instance.exports['main']!(...writeStack()) & 0xff, signal: null };
    } catch (error) {
      if (error instanceof Exit) return error;
      throw error;
    }
  };
  const { status, signal } = ended();
  if (signal !== 'SIGKILL') end();
  return {
    ...{ status, signal },
    stdout: Uint8Array.from(stdout.of.bytes),
    stderr: Uint8Array.from(stderr.of.bytes),
  };
}
