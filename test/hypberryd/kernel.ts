/**
 * A small kernel of Linux on Arm for programs that run in Node as WebAssembly: files, folders, descriptors, pipes, errors.
 * kernel.test.ts compares it with Linux, by random calls. A call that it has not ends the test.
 */
import { ERRORS, OPEN_FLAGS } from '../../src/translate/linux/constants.js';
import { SYSTEM_CALLS } from '../../src/translate/linux/system-calls.js';
import { createTree, type FileNode, type FolderNode, type Node } from './tree.js';

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
    | { readonly kind: 'sink'; readonly bytes: number[] };
  readonly flags: number;
  position: number;
  references: number;
}

/** How a process is started. */
export interface Start {
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly environment?: readonly string[];
  readonly stdin?: Uint8Array;
  /** Files by their absolute paths; a path that ends in `/` is a folder. */
  readonly files?: Readonly<Record<string, string>>;
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
  const tree = createTree(start.files ?? {}, fail);
  const descriptors = new Map<number, Description>();
  let isPipeSignalBlocked = false;

  const sink = (): Description & { of: { bytes: number[] } } => ({
    ...{ of: { kind: 'sink', bytes: [] }, flags: OPEN_FLAGS.O_WRONLY, position: 0, references: 1 },
  });
  const [stdout, stderr] = [sink(), sink()];
  const stdin: Pipe = { bytes: [...(start.stdin ?? [])], readers: 1, writers: 0 };
  descriptors.set(0, {
    of: { kind: 'pipe', pipe: stdin },
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
    if (--description.references > 0 || description.of.kind !== 'pipe') return;
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

  /** Where pread64 and pwrite64 begin. */
  const placed = (file: number, offset: bigint): Description => {
    if (offset < 0n) fail('EINVAL');
    const description = described(file);
    return description.of.kind === 'pipe' || description.of.kind === 'sink' ? fail('ESPIPE') : description;
  };

  const calls: Record<string, (...args: never[]) => number> = {
    read: (file: number, address: number, count: number) => {
      const description = described(file);
      if (!isReader(description)) fail('EBADF');
      const into = bytesAt(address, count);
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
      const place = tree.placeOf(pathAt(path));
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
      const kinds = { file: S_IFREG, folder: S_IFDIR, pipe: S_IFIFO, sink: S_IFIFO };
      const mode = of.kind === 'file' || of.kind === 'folder' ? of.mode : 0o600;
      view.setUint32((address >>> 0) + STAT.mode, kinds[of.kind] | mode, true);
      if (of.kind === 'file') view.setBigInt64((address >>> 0) + STAT.size, BigInt(of.content.size), true);
      return 0;
    },
    fdatasync: (file: number) => {
      const { kind } = described(file).of;
      return kind === 'file' || kind === 'folder' ? 0 : fail('EINVAL');
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
      view.setInt32(address, take({ kind: 'pipe', pipe }, flags | O_RDONLY), true);
      view.setInt32(address + 4, take({ kind: 'pipe', pipe }, flags | O_WRONLY), true);
      return 0;
    },
    rt_sigprocmask: (how: number, set: number, before: number, bytes: number) => {
      if (how !== SIG_BLOCK || before !== 0 || bytes !== SIGNAL_SET_SIZE) throw new Error('not that mask');
      if (view.getUint32(set, true) & (1 << (SIGPIPE - 1))) isPipeSignalBlocked = true;
      return 0;
    },
    getpid: () => PROCESS,
    exit_group: (status: number) => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the end of the process
      throw new Exit(status & 0xff, null);
    },
  };

  const forced = new Map(Object.entries(start.forced ?? {}).map(([name, results]) => [name, [...results]]));
  const call =
    (name: string) =>
    (...args: never[]): number => {
      const result = forced.get(name)?.shift();
      if (result !== undefined) return result;
      const it = calls[name];
      if (!it) throw new Error(`the kernel of the tests has no ${name}`);
      try {
        return it(...args);
      } catch (error) {
        if (error instanceof Failure) return -error.error;
        throw error;
      }
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
  return {
    ...{ status, signal },
    stdout: Uint8Array.from(stdout.of.bytes),
    stderr: Uint8Array.from(stderr.of.bytes),
  };
}
