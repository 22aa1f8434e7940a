/**
 * Repacks a kernel: its XZ data unpacked, and packed again by gzip behind an unpacker of ours. Kernels of the Raspberry
 * Pi Foundation are packed so; Debian has none, and the firmware of a Pi 2 unpacks nothing by itself.
 */
import { spawnSync } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import {
  lr,
  lsl,
  lsr,
  pc,
  r0,
  r1,
  r10,
  r11,
  r12,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  sp,
  type Label,
  type Register,
} from '../../src/isa/registers.js';
import { ICIALLU } from '../../src/isa/system-registers.js';
import { unpackedExtent } from '../../src/firmware/extents.js';
import { findXz } from '../../src/firmware/xz.js';
import { withLock, written } from './cache.js';
import type { KernelInput } from './inputs.js';
import { ensureTools } from './tools.js';

/** Where the file copies itself to, out of the kernel's way: 64 MiB from the start of RAM. */
const HOME = 0x0400_0000;
/** Above the copy: tables of codes, 2^15 halfwords each, the lengths of codes, how many there are of each, a stack. */
const SYMBOL_TABLE = 0x0600_0000;
const DISTANCE_TABLE = 0x0601_0000;
const LENGTHS = 0x0602_0000;
const COUNTS = 0x0603_0000;
const STACK = 0x0604_0000;

/** A gzip member's header without a name (RFC 1952, 2.3). */
const GZIP_HEADER = 10;

const LONGEST_CODE = 15;
const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;
const FIXED_SYMBOLS = 288;
const FIXED_DISTANCES = 30;
/** Order in which the lengths of the code for code lengths come (RFC 1951, 3.2.7). */
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Base and number of extra bits of each code (RFC 1951, 3.2.5), as base << 4 | bits. */
function bases(first: number, codes: number, plain: number): number[] {
  let base = first;
  return Array.from({ length: codes }, (_, code) => {
    const extra = Math.max(0, Math.floor(code / plain) - 1);
    const entry = (base << 4) | extra;
    base += 1 << extra;
    return entry;
  });
}
/** The last length, 258, has a code of its own. */
const LENGTH_BASES = [...bases(3, 28, 4), 258 << 4];
const DISTANCE_BASES = bases(1, 30, 2);

/** What stands where in the file, for {@link writeUnpacker}. */
interface Places {
  /** A word that says where the deflated data is, in the copy. */
  readonly packed: Label;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Where the kernel goes, from the start of RAM. */
  readonly kernel: number;
}

/**
 * The unpacker: copies the whole file to {@link HOME}, goes on there, inflates (RFC 1951) to the kernel's place and
 * starts what it found with r1 and r2 as they came. It is entered with MMU and data cache off, and leaves them off.
 *
 * While it inflates: r4 the bits that wait, r5 how many they are, r6 where the next ones come from, r7 where output
 * goes, r8 and r9 masks of the two tables' indices, r10 and r11 the tables.
 */
function writeUnpacker(a: Assembler, { packed, size, kernel }: Places): void {
  const [file, moved, refill, build] = ['file', 'moved', 'refill', 'build'].map((it) => a.label(it)) as [
    Label,
    Label,
    Label,
    Label,
  ];
  const [block, blockEnd, stored, fixed, tables, decode] = [
    ...['block', 'blockEnd', 'stored', 'fixed', 'tables', 'decode'].map((it) => a.label(it)),
  ] as [Label, Label, Label, Label, Label, Label];
  const [order, lengthBases, distanceBases, length, entry] = [
    ...['order', 'lengthBases', 'distanceBases', 'length', 'entry'].map((it) => a.label(it)),
  ] as [Label, Label, Label, Label, Label];
  let made = 0;
  /** A loop over what `body` writes, as long as the condition that it leaves is met by `again`. */
  const loop = (body: () => void, again: 'bne' | 'blo'): void => {
    const top = a.label(`loop${made++}`);
    a.at(top);
    body();
    a[again](top);
  };
  /** Gives a register the address of one of the tables, or the stack's. */
  const address = (register: Register, where: number): void => {
    a.mov(register, SYMBOL_TABLE);
    a.add(register, register, where - SYMBOL_TABLE);
  };
  const take = (count: Register): void => {
    a.lsr(r4, r4, count);
    a.sub(r5, r5, count);
  };
  /** Adds the extra bits of the base entry in `entry` to its base, which goes to `result`. */
  const extended = (entry: Register, result: Register): void => {
    a.and(r2, entry, 0xf);
    a.mov(r3, 1);
    a.lsl(r3, r3, r2);
    a.sub(r3, r3, 1);
    a.and(r3, r3, r4);
    a.add(result, r3, entry, lsr(4));
    take(r2);
  };
  /** Decodes a symbol of a table into r0. */
  const symbol = (mask: Register, table: Register): void => {
    a.and(r0, r4, mask);
    a.add(r0, table, r0, lsl(1));
    a.ldrh(r0, [r0]);
    a.and(r1, r0, 0xf);
    take(r1);
    a.lsr(r0, r0, 4);
  };

  // The header of a zImage (Linux, arch/arm/boot/compressed/head.S).
  a.at(file);
  for (let i = 0; i < 8; i++) a.mov(r0, r0);
  const start = a.label('start');
  a.b(start);
  a.word(0x016f_2818, 0, size, 0x0403_0201);

  a.at(start);
  a.adr(r0, file);
  a.mov(r3, HOME);
  a.ldr(r4, length);
  a.add(r4, r4, r3);
  loop(() => {
    a.ldm(r0, '!', [r5, r6, r7, r8]);
    a.stm(r3, '!', [r5, r6, r7, r8]);
    a.cmp(r3, r4);
  }, 'blo');
  a.mcr(ICIALLU, r0);
  a.dsb();
  a.isb();
  a.adr(r0, moved);
  a.adr(r3, file);
  a.sub(r0, r0, r3);
  a.add(r0, r0, HOME);
  a.bx(r0);

  a.at(length);
  a.word(size);
  a.at(entry);
  a.word(kernel);
  a.at(order);
  a.bytes(Uint8Array.from([...LENGTHS_ORDER, 0]));
  a.at(lengthBases);
  a.word(...LENGTH_BASES);
  a.at(distanceBases);
  a.word(...DISTANCE_BASES);

  a.at(moved);
  address(sp, STACK);
  a.push([r1, r2]);
  a.mov(r4, 0);
  a.mov(r5, 0);
  a.ldr(r6, packed);
  a.ldr(r7, entry);
  a.mov(r10, SYMBOL_TABLE);
  address(r11, DISTANCE_TABLE);

  a.at(block);
  a.bl(refill);
  a.and(r0, r4, 1);
  a.push([r0]);
  a.ubfx(r0, r4, 1, 2);
  a.mov(r1, 3);
  take(r1);
  a.cmp(r0, 1);
  a.blo(stored);
  a.beq(fixed);

  // Dynamic codes: first the code that their lengths are in.
  a.ubfx(r8, r4, 0, 5);
  a.movw(r0, FIRST_LENGTH);
  a.add(r8, r8, r0);
  a.ubfx(r9, r4, 5, 5);
  a.add(r9, r9, 1);
  a.ubfx(r3, r4, 10, 4);
  a.add(r3, r3, 4);
  a.mov(r1, 14);
  take(r1);
  a.push([r8, r9]);
  address(r0, LENGTHS);
  a.mov(r1, 0);
  for (let i = 0; i < 20; i += 4) a.str(r1, [r0, i]);
  a.adr(r2, order);
  loop(() => {
    a.bl(refill);
    a.and(r1, r4, 7);
    a.lsr(r4, r4, 3);
    a.sub(r5, r5, 3);
    a.ldrb(r12, [r2], 1);
    a.strb(r1, [r0, r12]);
    a.subs(r3, r3, 1);
  }, 'bne');
  a.mov(r1, LENGTHS_ORDER.length);
  a.mov(r2, r10);
  a.bl(build);
  a.mov(r8, r0);
  a.pop([r0, r1]);
  a.push([r0, r1]);
  a.add(r3, r0, r1);
  address(r9, LENGTHS);
  a.add(r3, r9, r3);
  loop(() => {
    const [repeat, next] = [a.label(`repeat${made}`), a.label(`next${made}`)];
    a.bl(refill);
    symbol(r8, r10);
    a.cmp(r0, 16);
    a.strblo(r0, [r9], 1);
    a.blo(next);
    // 16: the one before 3 to 6 times; 17: 0, 3 to 10 times; 18: 0, 11 to 138 times.
    a.ldrbeq(r1, [r9, -1]);
    a.movne(r1, 0);
    a.cmp(r0, 17);
    for (const [condition, bits, least] of [
      ['lo', 2, 3],
      ['eq', 3, 3],
      ['hi', 7, 11],
    ] as const) {
      a[`ubfx${condition}`](r12, r4, 0, bits);
      a[`add${condition}`](r12, r12, least);
      a[`mov${condition}`](r2, bits);
    }
    take(r2);
    a.at(repeat);
    a.strb(r1, [r9], 1);
    a.subs(r12, r12, 1);
    a.bne(repeat);
    a.at(next);
    a.cmp(r9, r3);
  }, 'blo');

  // Both codes' lengths stand in a row; their numbers are on the stack.
  a.at(tables);
  a.pop([r8, r9]);
  address(r0, LENGTHS);
  a.push([r0, r8]);
  a.add(r0, r0, r8);
  a.mov(r1, r9);
  a.mov(r2, r11);
  a.bl(build);
  a.mov(r9, r0);
  a.pop([r0, r1]);
  a.mov(r2, r10);
  a.bl(build);
  a.mov(r8, r0);

  a.at(decode);
  a.bl(refill);
  symbol(r8, r10);
  a.cmp(r0, END_OF_BLOCK);
  a.strblo(r0, [r7], 1);
  a.blo(decode);
  a.beq(blockEnd);
  a.movw(r1, FIRST_LENGTH);
  a.sub(r0, r0, r1);
  a.adr(r1, lengthBases);
  a.ldr(r0, [r1, r0, lsl(2)]);
  extended(r0, r12);
  a.push([r12]);
  a.bl(refill);
  symbol(r9, r11);
  a.adr(r1, distanceBases);
  a.ldr(r0, [r1, r0, lsl(2)]);
  a.push([r0]);
  a.bl(refill);
  a.pop([r0]);
  extended(r0, r0);
  a.pop([r1]);
  a.sub(r0, r7, r0);
  loop(() => {
    a.ldrb(r2, [r0], 1);
    a.strb(r2, [r7], 1);
    a.subs(r1, r1, 1);
  }, 'bne');
  a.b(decode);

  a.at(blockEnd);
  a.pop([r0]);
  a.cmp(r0, 0);
  a.beq(block);
  a.pop([r1, r2]);
  a.mcr(ICIALLU, r0);
  a.dsb();
  a.isb();
  a.mov(r0, 0);
  a.ldr(pc, entry);

  // Stored: from the next whole byte on, length and its complement, then the bytes.
  a.at(stored);
  a.sub(r6, r6, r5, lsr(3));
  a.mov(r4, 0);
  a.mov(r5, 0);
  a.ldrb(r0, [r6], 1);
  a.ldrb(r1, [r6], 3);
  a.orrs(r0, r0, r1, lsl(8));
  a.beq(blockEnd);
  loop(() => {
    a.ldrb(r1, [r6], 1);
    a.strb(r1, [r7], 1);
    a.subs(r0, r0, 1);
  }, 'bne');
  a.b(blockEnd);

  a.at(fixed);
  address(r0, LENGTHS);
  for (const [count, length] of [
    [144, 8],
    [112, 9],
    [24, 7],
    [8, 8],
    [FIXED_DISTANCES, 5],
  ] as const) {
    a.mov(r1, count);
    a.mov(r2, length);
    loop(() => {
      a.strb(r2, [r0], 1);
      a.subs(r1, r1, 1);
    }, 'bne');
  }
  a.mov(r0, FIXED_SYMBOLS);
  a.mov(r1, FIXED_DISTANCES);
  a.push([r0, r1]);
  a.b(tables);

  // At least 25 bits in r4. Changes r12 only.
  a.at(refill);
  a.cmp(r5, 24);
  a.bxhi(lr);
  a.ldrb(r12, [r6], 1);
  a.orr(r4, r4, r12, lsl(r5));
  a.add(r5, r5, 8);
  a.b(refill);

  // r0 lengths of codes, r1 how many, r2 the table; gives the mask of the table's index in r0 (RFC 1951, 3.2.2).
  a.at(build);
  const [counted, placed, found] = [a.label('counted'), a.label('placed'), a.label('found')];
  a.push([r4, r5, r6, r7, r8, r9, lr]);
  address(r3, COUNTS);
  a.mov(r4, 0);
  for (let length = 0; length <= LONGEST_CODE; length++) a.str(r4, [r3, 4 * length]);
  a.add(r7, r0, r1);
  a.mov(r5, r0);
  loop(() => {
    a.ldrb(r4, [r5], 1);
    a.cmp(r4, 0);
    a.beq(counted);
    a.ldr(r6, [r3, r4, lsl(2)]);
    a.add(r6, r6, 1);
    a.str(r6, [r3, r4, lsl(2)]);
    a.at(counted);
    a.cmp(r5, r7);
  }, 'blo');
  // The longest code in r6; at least 1, so that a table has an entry.
  a.mov(r6, LONGEST_CODE);
  const shorter = a.label('shorter');
  a.at(shorter);
  a.ldr(r4, [r3, r6, lsl(2)]);
  a.cmp(r4, 0);
  a.bne(found);
  a.subs(r6, r6, 1);
  a.bne(shorter);
  a.mov(r6, 1);
  a.at(found);
  // The first code of each length, in place of how many there are.
  a.mov(r4, 0);
  a.mov(r5, 0);
  for (let length = 1; length <= LONGEST_CODE; length++) {
    a.add(r5, r5, r4);
    a.lsl(r5, r5, 1);
    a.ldr(r4, [r3, 4 * length]);
    a.str(r5, [r3, 4 * length]);
  }
  a.mov(r12, 2);
  a.lsl(r12, r12, r6);
  a.add(r12, r12, r2);
  a.mov(r9, 0);
  loop(() => {
    a.ldrb(r4, [r0, r9]);
    a.cmp(r4, 0);
    a.beq(placed);
    a.ldr(r5, [r3, r4, lsl(2)]);
    a.add(r7, r5, 1);
    a.str(r7, [r3, r4, lsl(2)]);
    // Codes come with their first bit lowest.
    a.rbit(r5, r5);
    a.rsb(r7, r4, 32);
    a.lsr(r5, r5, r7);
    a.add(r5, r2, r5, lsl(1));
    a.mov(r7, 2);
    a.lsl(r7, r7, r4);
    a.orr(r8, r4, r9, lsl(4));
    loop(() => {
      a.strh(r8, [r5]);
      a.add(r5, r5, r7);
      a.cmp(r5, r12);
    }, 'blo');
    a.at(placed);
    a.add(r9, r9, 1);
    a.cmp(r9, r1);
  }, 'blo');
  a.mov(r0, 1);
  a.lsl(r0, r0, r6);
  a.sub(r0, r0, 1);
  a.pop([r4, r5, r6, r7, r8, r9, pc]);
}

/** Unpacks the XZ data of a zImage by the system's xz. */
function unpackImage(zImage: Uint8Array): Uint8Array {
  const at = findXz(zImage);
  if (at < 0) throw new Error('there is no XZ data in this kernel');
  const { status, stdout, stderr } = spawnSync('xz', ['--decompress', '--single-stream', '--stdout'], {
    input: zImage.subarray(at),
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`xz could not unpack the kernel: ${stderr.toString()}`);
  return new Uint8Array(stdout);
}

/**
 * Makes a gzip-packed kernel of an XZ-packed one: a flat image for 0x8000 with a zImage's header.
 * @param zImage an XZ-packed zImage
 */
function repackByGzip(zImage: Uint8Array): Uint8Array {
  const kernel = unpackedExtent(zImage)?.start;
  if (kernel === undefined) throw new Error('this kernel does not say where it is unpacked to');
  const data = gzipSync(unpackImage(zImage), { level: 9 });
  // Twice: the first time for its own size.
  const head = (size: number): Uint8Array => {
    const a = assembler();
    const packed = a.label('packed');
    writeUnpacker(a, { packed, size, kernel });
    a.at(packed);
    const place = a.here + 4 + GZIP_HEADER;
    a.word(HOME + place);
    return a.assemble();
  };
  const size = head(0).length + data.length;
  const image = new Uint8Array(size);
  const code = head(size);
  image.set(code);
  image.set(data, code.length);
  return image;
}

/**
 * The same kernel packed by gzip, which cores unpack in a fifth of the instructions; made on first use, beside the
 * kernel's own file.
 * @param kernel an XZ-packed one
 * @throws HypberryError `tools.missing`; Error where it is packed otherwise
 */
export async function gzipKernel(kernel: KernelInput): Promise<KernelInput> {
  const vmlinuz = `${kernel.vmlinuz}-gzip`;
  await withLock('gzip-kernel', async () => {
    const newest = Math.max(await written(kernel.vmlinuz), await written(import.meta.filename));
    if ((await written(vmlinuz)) > newest) return;
    await ensureTools(['xz-utils']);
    const packed = repackByGzip(new Uint8Array(await readFile(kernel.vmlinuz)));
    await writeFile(`${vmlinuz}.new`, packed);
    await rename(`${vmlinuz}.new`, vmlinuz);
  });
  return { ...kernel, vmlinuz };
}
