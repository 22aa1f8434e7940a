import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { disassembleA32 } from '../src/isa/disassembler.js';
import { readU32LE } from '../src/base/bytes.js';
import { readStartElf } from '../src/firmware/start-elf.js';
import { patchStub } from '../src/firmware/stub.js';
import { blockItems, buildStub, DEFAULT_TREE_ADDRESS, KERNEL_OFFSET } from '../src/boot/block.js';
import { countInstructions } from '../test/support/entry-state.js';
import { runProgram } from './pairs.js';

/** A boot code and what it takes core 0 from reset to kernel entry. */
export interface BootCode {
  readonly name: string;
  readonly instructions: number;
  /** Where the number is from. */
  readonly from: string;
}

/** The block as a program for GNU as, made from our own disassembly of it. */
export function blockSource(): string {
  const items = blockItems();
  const labels = new Map(items.flatMap((item) => item.labels.map((label) => [item.address, label] as const)));
  const lines = items.flatMap(({ address, bytes, kind, labels: here }) => {
    const words = Array.from({ length: bytes.length / 4 }, (_, i) => readU32LE(bytes, i * 4));
    const code = words.map((word, i) => {
      if (kind !== 'instruction') return ` .word 0x${word.toString(16)}`;
      const symbol = (target: number) => labels.get(target);
      const { mnemonic, operands } = disassembleA32(word, { address: address + i * 4, symbol })!;
      return ` ${mnemonic} ${operands}`;
    });
    return [...here.map((label) => `${label}:`), ...code];
  });
  const head = ['.syntax unified', '.arch armv7ve', '.arch_extension sec', '.arch_extension virt', '.arm'];
  return [...head, '.globl _start', '_start:', ...lines, ''].join('\n');
}

/** Assembles, links for address 0 and makes a flat file, as a makefile would: `block.S` to `block.bin` in `folder`. */
export function crossBuild(folder: string, script?: string): void {
  const link = script === undefined ? '-Ttext=0' : `-T "${script}"`;
  runProgram(
    'sh',
    [
      '-c',
      [
        'arm-none-eabi-as -march=armv7-a -o block.o block.S',
        `arm-none-eabi-ld ${link} -o block.elf block.o`,
        'arm-none-eabi-objcopy -O binary block.elf block.bin',
      ].join(' && '),
    ],
    folder,
  );
}

/** Puts rpi2-hyp-boot's source into `folder` as `block.S`, its #define lines carried out: GNU as has no preprocessor. */
export function copyOriginal(original: string, folder: string): void {
  const text = readFileSync(join(original, 'rpi2-hyp-boot.S'), 'utf8').replace(/\/\*[^]*?\*\//g, '');
  const names = [...text.matchAll(/^#define\s+(\w+)\s+(\S+).*$/gm)].map(
    ([, name, value]) => `.set ${name!}, ${value!}`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'block.S'), `${names.join('\n')}\n${text.replace(/^#.*$/gm, '')}`);
}

/**
 * Counts, in QEMU, what each boot code executes on core 0.
 * @param startElf the firmware with armstub7's code in it
 * @param original rpi2-hyp-boot's image, where there is one
 */
export async function countAll(startElf: string, original: Uint8Array | undefined): Promise<BootCode[]> {
  const firmware = new Uint8Array(readFileSync(startElf));
  const { stub, buildDate } = readStartElf(firmware);
  if (!stub) throw new Error('there is no stub for a Pi 2 in start.elf');
  const armstub = patchStub(
    firmware.slice(stub.offset, stub.offset + stub.length),
    stub,
    DEFAULT_TREE_ADDRESS,
    KERNEL_OFFSET,
  );
  const counted = 'counted in QEMU';
  return [
    {
      name: "hypberry's boot block",
      instructions: await countInstructions(buildStub(), KERNEL_OFFSET),
      from: counted,
    },
    {
      name: `armstub7, as in start.elf of ${buildDate ?? 'an unknown day'}`,
      instructions: await countInstructions(armstub, KERNEL_OFFSET),
      from: counted,
    },
    original
      ? {
          name: 'rpi2-hyp-boot',
          instructions: await countInstructions(original, KERNEL_OFFSET),
          from: counted,
        }
      : {
          name: 'rpi2-hyp-boot',
          instructions: 42,
          from: 'counted in QEMU before; --original FOLDER counts it again',
        },
  ];
}
