import { beforeAll, describe, expect, it } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { readU32LE } from '../../src/base/bytes.js';
import { BLOCK_SIZE, blockItems, buildBootBlock, buildStub, isBootBlock } from '../../src/boot/block.js';
import { listing } from '../../src/boot/listing.js';
import { disassembleWords } from '../isa/binutils.js';
import { assembleSource } from '../support/stub-sources.js';

beforeAll(() => ensureTools(['binutils-arm-none-eabi']), 300_000);

const wordsOf = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 4 }, (_, index) => readU32LE(bytes, index * 4));

const hexWords = (bytes: Uint8Array): string[] => wordsOf(bytes).map((word) => word.toString(16));

/**
 * The block's duties in GNU assembly, written from the manuals: register encodings from DDI 0406C table B3-42 and on,
 * values from their descriptions.
 */
const source = `
    @ Coherency: ACTLR.SMP is bit 6.
    mrc     p15, 0, r0, c1, c0, 1
    orr     r0, r0, #1 << 6
    mcr     p15, 0, r0, c1, c0, 1
    @ Monitor mode is 10110.
    cps     #0b10110
    adr     r0, constants
    ldm     r0, {r0-r12, lr}
    @ Secure state: NSACR, CNTFRQ, CNTP_CTL, then SCR.
    mcr     p15, 0, r2, c1, c1, 2
    mcr     p15, 0, r4, c14, c0, 0
    mcr     p15, 0, r0, c14, c2, 1
    mcr     p15, 0, r3, c1, c1, 0
    isb
    @ Non-secure copies: SCTLR, TTBCR, CNTP_CTL; CNTV_CTL, CNTHP_CTL, CNTVOFF.
    mcr     p15, 0, r6, c1, c0, 0
    mcr     p15, 0, r0, c2, c0, 2
    mcr     p15, 0, r0, c14, c2, 1
    mcr     p15, 0, r0, c14, c3, 1
    mcr     p15, 4, r0, c14, c2, 1
    mcrr    p15, 4, r0, r0, c14
    @ VTTBR, HTTBR, HTCR, VTCR, HMAIR0, HMAIR1, HVBAR, HTPIDR, HSCTLR.
    mcrr    p15, 6, r0, r0, c2
    mcrr    p15, 4, r0, r0, c2
    mcr     p15, 4, r0, c2, c0, 2
    mcr     p15, 4, r0, c2, c1, 2
    mcr     p15, 4, r0, c10, c2, 0
    mcr     p15, 4, r0, c10, c2, 1
    mcr     p15, 4, r0, c12, c0, 0
    mcr     p15, 4, r0, c13, c0, 2
    mcr     p15, 4, r5, c1, c0, 0
    msr     spsr_fsxc, r7
    @ MPIDR.
    mrc     p15, 0, r10, c0, c0, 5
    ands    r10, r10, #3
    bne     secondary
    str     r0, [r9, #0x00]
    str     r8, [r9, #0x08]
    mov     r2, r12
    movs    pc, lr
secondary:
    add     r4, r9, r10, lsl #4
    adr     lr, wait
    movs    pc, lr
wait:
    ldr     r3, [r4, #0xcc]
    cmp     r3, #0
    wfeeq
    beq     wait
    str     r3, [r4, #0xcc]
    bx      r3

    .org 0xb8
    .ascii "hypberry block 1"
constants:
    .word 0
    .word 0xc42                             @ bcm2708 in Linux' arch/arm/tools/mach-types
    .word 1 << 18 | 1 << 11 | 1 << 10       @ NSACR: NS_SMP, cp11, cp10
    .word 1 << 8 | 1 << 7 | 1 << 5 | 1 << 4 | 1 << 0 @ SCR: HCE, SCD, AW, FW, NS
    .word 19200000
    .word 0x30c50878 | 1 << 12              @ HSCTLR: its ones, and I
    .word 0x00c50878                        @ SCTLR: its ones
    .word 0b11010 | 7 << 6                  @ HYP mode; F, I, A
    .word 1 << 31
    .word 0x40000000
    .word 0x5afe570b, 0, 0x100, 0x8000`;

describe('the boot block', () => {
  it('is the sequence that GNU as makes of its duties', () => {
    expect(hexWords(buildStub())).toEqual(hexWords(assembleSource(source)));
  });

  it('has 256 bytes, of which code, tag and constants take at most 240 before the words of the contract', () => {
    expect(BLOCK_SIZE).toBe(256);
    expect(buildStub()).toHaveLength(256);
    const items = blockItems();
    const ofKind = (kind: string) => items.filter((item) => item.kind === kind && item.address < 0xf0);
    const size = (some: typeof items) => some.reduce((sum, item) => sum + item.bytes.length, 0);
    // 43 instructions, then a tag of 16 bytes and ten constants.
    expect(size(ofKind('instruction'))).toBe(172);
    expect(size(ofKind('data'))).toBe(16 + 40);
    expect(172 + 56).toBeLessThanOrEqual(240);
    const code = items.filter(({ kind }) => kind === 'instruction');
    expect(code.every(({ address }) => address + 4 <= 0xf0)).toBe(true);
  });

  it('ends in the words of armstub7, with the values for kernel_old until a firmware writes others', () => {
    expect(wordsOf(buildStub().subarray(0xf0))).toEqual([0x5afe570b, 0, 0x100, 0x8000]);
    const other = buildStub({ tree: 0x0800_0000, kernel: 0x0001_0000 });
    expect(wordsOf(other.subarray(0xf0))).toEqual([0x5afe570b, 0, 0x0800_0000, 0x0001_0000]);
    expect(other.subarray(0, 0xf0)).toEqual(buildStub().subarray(0, 0xf0));
  });

  it('is padded with zeros to 32 KiB, where the kernel of a combined file begins', () => {
    const block = buildBootBlock();
    expect(block).toHaveLength(32 * 1024);
    expect(block.subarray(0, 256)).toEqual(buildStub());
    expect(block.subarray(256).every((byte) => byte === 0)).toBe(true);
    expect(wordsOf(buildBootBlock(0x0800_0000).subarray(0xf8, 0x100))).toEqual([0x0800_0000, 0x8000]);
  });

  it('is known again, in front of a kernel or with its addresses patched', () => {
    expect(isBootBlock(buildStub())).toBe(true);
    expect(isBootBlock(buildStub({ tree: 0x2eff_0000, kernel: 0x0008_0000 }))).toBe(true);
    expect(isBootBlock(buildBootBlock())).toBe(true);
    expect(isBootBlock(buildStub().subarray(0, 255))).toBe(false);
    expect(isBootBlock(new Uint8Array(0))).toBe(false);
    expect(isBootBlock(new Uint8Array(BLOCK_SIZE))).toBe(false);
    expect(isBootBlock(new Uint8Array(BLOCK_SIZE).fill(0xff))).toBe(false);
  });
});

/** A line of the listing: address, word, code, reason. */
interface Line {
  readonly address: number;
  readonly word: number;
  readonly code: string;
  readonly reason: string;
}

/** The column in which a reason begins at the earliest, behind two blanks. */
const REASONS = 70;

/** The listing taken apart as a reader would: labels by name, and the lines that have a word. */
function readListing(): { labels: Map<string, number>; lines: Line[] } {
  const labels = new Map<string, number>();
  const lines: Line[] = [];
  const pending: string[] = [];
  for (const text of listing()) {
    const label = /^(\w+):$/.exec(text)?.[1];
    if (label !== undefined) {
      pending.push(label);
      continue;
    }
    const [, place, word] = /^ {2}([0-9a-f]{3}) {2}(?:([0-9a-f]{8})| {8}) {2}/.exec(text)!;
    const address = parseInt(place!, 16);
    for (const name of pending.splice(0)) labels.set(name, address);
    if (word === undefined) continue;
    const gap = text.indexOf('  ', REASONS - 1);
    const [code, reason] = gap < 0 ? [text.slice(17), ''] : [text.slice(17, gap), text.slice(gap)];
    lines.push({ address, word: parseInt(word, 16), code: code.trim(), reason: reason.trim() });
  }
  return { labels, lines };
}

describe('the listing', () => {
  const { labels, lines } = readListing();
  const instructions = lines.filter(({ code }) => !code.startsWith('.'));
  const block = wordsOf(buildStub());

  it('has every word of the block that is not padding, at its address', () => {
    for (const { address, word } of lines) expect(word).toBe(block[address / 4]);
    const listed = new Set(lines.map(({ address }) => address));
    const unlisted = block.flatMap((word, index) => (listed.has(index * 4) ? [] : [word]));
    expect(unlisted).toEqual([0, 0, 0]);
  });

  it('says what objdump says, instruction by instruction', () => {
    const theirs = disassembleWords(block);
    // Left aside are comments, and objdump's ways: "15, 0, r0, cr1, cr0, {1}" is "p15, 0, r0, c1, c0, 1", and the
    // target of a branch is an address with a symbol behind.
    const plain = (code: string) =>
      code
        .replace(/\s*[;@].*$/, '')
        .replace(/^(m[rc]+) 15,/, '$1 p15,')
        .replace(/\bcr(\d)/g, 'c$1')
        .replace(/\{(\d)\}/, '$1')
        .replace(/\b([0-9a-f]+) <[^>]*>$/, '0x$1')
        .replace(/\s+/g, ' ')
        .trim();
    const withAddresses = (code: string) =>
      code.replace(/\b[a-z]+$/, (name) => (labels.has(name) ? `0x${labels.get(name)!.toString(16)}` : name));
    expect(instructions).toHaveLength(43);
    expect(instructions.map(({ code }) => withAddresses(plain(code)))).toEqual(
      instructions.map(({ address }) => plain(theirs[address / 4]!)),
    );
  });

  it('becomes the same words in GNU as', () => {
    const text = listing().flatMap((line) => {
      if (/^\w+:$/.test(line)) return [line];
      const at = parseInt(line.slice(2, 5), 16);
      const code = lines.find(({ address }) => address === at)?.code.replace(/;.*$/, '');
      return code === undefined ? [] : [`.org 0x${at.toString(16)}`, code];
    });
    expect(hexWords(assembleSource(text.join('\n')))).toEqual(hexWords(buildStub()));
  });

  it('has a reason beside every instruction and every constant', () => {
    const without = lines.filter(({ reason, code }) => reason === '' && !code.startsWith('.ascii'));
    expect(without).toEqual([]);
    expect(lines.filter(({ code }) => code.startsWith('.ascii')).map(({ reason }) => reason !== '')).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
