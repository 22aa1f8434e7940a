/** What an unpacked kernel says of itself in plain text, read piece by piece. */
import { ascii, concatBytes, findBytes, readText } from '../base/bytes.js';

/** A processor's architecture that a kernel has code for. */
export type Processor = 'ARMv6' | 'ARMv7';

/** A hypervisor that wants HYP mode for itself. */
export type Hypervisor = 'KVM' | 'Xvisor';

/** What was found. */
export interface KernelText {
  /** `Linux version …`, as the kernel prints it. */
  readonly version: string | undefined;
  /** Those whose names it holds (Linux, arch/arm/mm/proc-v6.S and proc-v7.S): it starts on no other. */
  readonly processors: readonly Processor[];
  /** Whether its page tables are the long ones; undefined where it does not say. */
  readonly lpae: boolean | undefined;
  /** The one that it is or has. */
  readonly hypervisor: Hypervisor | undefined;
}

/** Takes the unpacked bytes, one piece after the other. */
export interface TextReader {
  /** False once there is nothing more to find. */
  readonly take: (piece: Uint8Array) => boolean;
  /** What was found up to now. */
  readonly found: () => KernelText;
}

/** Unpacked bytes after which no more are looked at. */
export const UNPACKED_LIMIT = 64 << 20;
const VERSION_START = ascii('Linux version ');
/** Longer than any version line, and than every other text that is looked for. */
const LONGEST = 512;

/** The names under which the kernel keeps its processors. */
const PROCESSORS: readonly (readonly [Processor, Uint8Array])[] = [
  ['ARMv6', ascii('ARMv6-compatible processor')],
  ['ARMv7', ascii('ARMv7 Processor')],
];
/** Names of faults, of which a kernel has one set (Linux, arch/arm/mm/fsr-3level.c and fsr-2level.c). */
const FAULTS: readonly (readonly [boolean, Uint8Array])[] = [
  [true, ascii('level 1 translation fault')],
  [false, ascii('section translation fault')],
];
/**
 * What KVM prints once it has HYP mode (Linux 3.9 to 5.6, virt/kvm/arm/arm.c); the name that Xvisor prints with its
 * version (Xvisor, core/include/vmm_version.h).
 */
const HYPERVISORS: readonly (readonly [Hypervisor, Uint8Array])[] = [
  ['KVM', ascii('Hyp mode initialized successfully')],
  ['Xvisor', ascii('\0Xvisor\0')],
];
/** The first Linux without KVM on 32-bit Arm. */
const WITHOUT_KVM = [5, 7] as const;

/** Whether a version line is that of a Linux, and not of one before `major.minor`. */
export function isLinuxFrom(version: string | undefined, [major, minor]: readonly [number, number]): boolean {
  const [, first, second] = /^Linux version (\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (first === undefined) return false;
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

/** How Raspberry Pi's own kernels end their versions, and distributions those that they build of the same sources. */
const DOWNSTREAM = /^Linux version (\d+)\.(\d+)\.(\d+)\S*?-(?:v7l?\+?|2709\+?|raspi2?|rpi2?)\s/;
/** From this on they number PL011s by their aliases (raspberrypi/linux, pull request 5436 and issue 5566). */
const BY_ALIAS = [6, 1, 26] as const;

/**
 * Whether a Linux of this version line numbers its PL011s (/dev/ttyAMA0 and on) as it finds them, and not by the aliases of its
 * device tree: Raspberry Pi's do so before 6.1.26, mainline's never.
 */
export function numbersAsFound(version: string): boolean {
  const [, ...numbers] = DOWNSTREAM.exec(`${version} `) ?? [];
  const first = BY_ALIAS.findIndex((it, i) => Number(numbers[i]) !== it);
  return numbers.length > 0 && first >= 0 && Number(numbers[first]) < BY_ALIAS[first]!;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** The version line in plain bytes, if it starts before `end`. */
export function findVersion(bytes: Uint8Array, end = bytes.length): string | undefined {
  // The kernel also holds the format of the line, with %s for the version.
  const at = findBytes(bytes, VERSION_START, 0, (it) => isDigit(bytes[it + VERSION_START.length]));
  return at >= 0 && at < end ? readText(bytes, at, LONGEST) : undefined;
}

/** The first of these whose text is there. */
function firstIn<T>(bytes: Uint8Array, texts: readonly (readonly [T, Uint8Array])[]): T | undefined {
  return texts.find(([, text]) => findBytes(bytes, text) >= 0)?.[0];
}

/** A reader of a kernel's text. The bytes may come in pieces of any size. */
export function kernelTextReader(): TextReader {
  let version: string | undefined;
  let lpae: boolean | undefined;
  let hypervisor: Hypervisor | undefined;
  const processors = new Set<Processor>();
  let rest = new Uint8Array(0);
  let seen = 0;

  const look = (bytes: Uint8Array, end: number): void => {
    version ??= findVersion(bytes, end);
    lpae ??= firstIn(bytes, FAULTS);
    hypervisor ??= firstIn(bytes, HYPERVISORS);
    for (const [processor, name] of PROCESSORS) {
      if (!processors.has(processor) && findBytes(bytes, name) >= 0) processors.add(processor);
    }
  };
  return {
    take(piece) {
      seen += piece.length;
      const bytes = concatBytes(rest, piece);
      // A text may go on in the next piece: the last bytes are looked at again with it.
      look(bytes, bytes.length - LONGEST);
      rest = bytes.slice(-LONGEST - VERSION_START.length);
      const whole =
        version !== undefined &&
        processors.has('ARMv7') &&
        lpae !== undefined &&
        (hypervisor !== undefined || isLinuxFrom(version, WITHOUT_KVM));
      return !whole && seen < UNPACKED_LIMIT;
    },
    found() {
      look(rest, rest.length);
      return { version, processors: [...processors].sort(), lpae, hypervisor };
    },
  };
}

/** All that plain bytes say. */
export function readKernelText(bytes: Uint8Array): KernelText {
  const reader = kernelTextReader();
  reader.take(bytes);
  return reader.found();
}
