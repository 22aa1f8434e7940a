/** A program for Linux on Arm out of a WebAssembly binary: one static executable at fixed addresses. */
import { HypberryError } from '../../base/errors.js';
import { hex } from '../../base/words.js';
import type { Assembler } from '../../isa/assembler.js';
import { lr, lsl, pc, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r12, sp } from '../../isa/registers.js';
import type { Label } from '../../isa/registers.js';
import { readModule } from '../../wasm/read.js';
import type { Translation } from '../translate.js';
import { translate } from '../translate.js';
import {
  ELF_FLAGS,
  headersSize,
  loadableFrom,
  placeBehind,
  staticElf,
  wordAfter,
  type ElfNote,
} from './elf.js';
import { SYSTEM_CALLS } from './system-calls.js';

/** Where a program is: addresses, in this order. */
export interface ProgramPlaces {
  /**
   * The page in which its code begins, a multiple of 4096. Kernels keep what is below 0x8000 free (Linux, security/Kconfig,
   * LSM_MMAP_MIN_ADDR).
   */
  readonly text: number;
  /**
   * Of the module's data: what it was compiled for as memory base. Where it is as far into its page as the headers are long,
   * or a little further, nothing of the file is in vain.
   */
  readonly data: number;
  /** Where its memory ends: what lies behind the data is zeros at the beginning. */
  readonly end: number;
}

/** The export that a program begins with. */
const MAIN = 'main';
/** argc, argv, envp and the auxiliary vector. */
const MOST_PARAMETERS = 4;

/**
 * What the kernel jumps to. SP, a multiple of 8, points at argc; the arguments' addresses follow with a 0 behind them,
 * then the environment's, then the auxiliary vector (Linux, fs/binfmt_elf.c, create_elf_tables). `main` gets the
 * number and the three addresses, and the process ends with what it gives.
 */
function writeEntry(a: Assembler, main: Label): void {
  const again = a.label('again');
  a.ldr(r0, [sp]);
  a.add(r1, sp, 4);
  a.add(r2, r1, r0, lsl(2));
  a.add(r2, r2, 4);
  a.mov(r3, r2);
  a.at(again);
  a.ldr(r12, [r3], 4);
  a.cmp(r12, 0);
  a.bne(again);
  a.bl(main);
  a.mov(r7, SYSTEM_CALLS['exit_group']![0]);
  a.svc(0);
}

/** What a program imports from `assembly` to copy whole blocks of COPY_BLOCK bytes between addresses that are multiples of 4. */
export const COPY_BLOCKS = 'copyBlocks';
export const COPY_BLOCK = 32;

/**
 * copyBlocks(to, from, bytes): by LDM and STM, so that memory that is not cached is reached eight words at a time. All of
 * it is done, in ascending order, whoever else sees it; the bytes are a multiple of COPY_BLOCK, not 0.
 */
function writeCopyBlocks(a: Assembler): void {
  const again = a.label('again');
  const words = [r3, r4, r5, r6, r7, r8, r9, r10];
  a.push([r4, r5, r6, r7, r8, r9, r10, lr]);
  a.at(again);
  a.ldm(r1, '!', words);
  a.stm(r0, '!', words);
  a.subs(r2, r2, COPY_BLOCK);
  a.bne(again);
  a.pop([r4, r5, r6, r7, r8, r9, r10, pc]);
}

function checkMain(wasm: Uint8Array): void {
  const { exports, imports, functions } = readModule(wasm);
  const main = functions[(exports.get(MAIN) ?? -1) - imports.length];
  const [params, results] = [main?.type.params ?? [], main?.type.results ?? []];
  if (
    params.length <= MOST_PARAMETERS &&
    [...params, ...results].join() === [...params.map(() => 'i32'), 'i32'].join()
  )
    return;
  throw new HypberryError(
    'translate.main',
    'the program has no function main that takes up to four words and gives one',
    'Export main(count: i32, arguments: usize, environment: usize, auxiliary: usize): i32, as many of them as it wants.',
  );
}

/**
 * Makes the program. Its code may be read and executed, its data and what is behind them read and written, its stack is
 * not executable. Where WebAssembly traps, it ends by SIGILL.
 * @param note what the file is to say of itself
 * @returns the file, and the translation that it is of
 * @throws HypberryError `translate.*` as translate does; `translate.main`; `translate.place` where code or data are
 *   longer than the places say
 */
export function linuxProgram(
  wasm: Uint8Array,
  { text, data, end }: ProgramPlaces,
  note?: ElfNote,
): { file: Uint8Array; translation: Translation } {
  checkMain(wasm);
  const dataEnd = Math.max(data, ...readModule(wasm).data.map((it) => it.address + it.bytes.length));
  const codeOffset = placeBehind(headersSize(2, note), data) + wordAfter(dataEnd - data);
  const origin = loadableFrom(text, codeOffset);
  const translation = translate(wasm, {
    origin,
    before: (a, labelOf) => {
      a.at(labelOf('entry'));
      writeEntry(a, labelOf(MAIN));
    },
    after: (a, labelOf) => {
      a.at(labelOf(COPY_BLOCKS));
      writeCopyBlocks(a);
    },
  });
  const { image, codeEnd } = translation;
  const imageEnd = origin + image.length;
  if (codeEnd > data || imageEnd > end) {
    throw new HypberryError(
      'translate.place',
      `the program does not fit: its code ends at ${hex(codeEnd)}, its data begin at ${hex(data)}, both end at ${hex(imageEnd)}, its memory at ${hex(end)}`,
      'Compile it for places further apart.',
    );
  }
  const segments = [
    { address: origin, bytes: image.slice(0, codeEnd - origin), flags: ELF_FLAGS.READ | ELF_FLAGS.EXECUTE },
    {
      address: data,
      bytes: image.slice(data - origin),
      memorySize: end - data,
      flags: ELF_FLAGS.READ | ELF_FLAGS.WRITE,
    },
  ];
  return { file: staticElf(origin, segments, note), translation };
}
