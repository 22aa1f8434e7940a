/**
 * A guest that asks of its machine what NetBSD's evbarm kernels ask, whose own no test has: it stands 0x40 behind a boundary
 * of 4 MiB, is entered with its tree in R2, maps itself, its console and the one MiB that holds the tree, and has what is
 * beyond memory's end of its file for itself (NetBSD, sys/arch/evbarm/fdt/fdt_machdep.c and sys/arch/arm/arm/armv6_start.S).
 */
import { expect, test } from 'vitest';
import { readU32BE } from '../../src/base/bytes.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { findNode, readFdt } from '../../src/firmware/fdt.js';
import { placeGuest } from '../../src/guest/plan.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { pc, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 } from '../../src/isa/registers.js';
import { concat, text, uImage } from '../support/kernel-files.js';
import { consoleText, GUEST_RAM, GUEST_UART, handoverOf, load, quietHost, switchMmuOn } from './payloads.js';

const MIB = 1 << 20;
const ARM_MEMORY = 96 * MIB;
const MEMORY = 32;
/** Where it makes its table, behind its file, and sections of it: the first for memory, the other for a device. */
const TABLE = GUEST_RAM + 0x4000;
const [SECTION, DEVICE_SECTION] = [0xc0e, 0xc06];
/** What a flattened tree begins with, and where its size is, big-endian. */
const [FDT_MAGIC, FDT_SIZE_AT] = [0xd00d_feed, 4];
/** What a memory disk begins with. */
const DISK = concat(text('a file system'), new Uint8Array(64 * 1024 - 13));

/** Prints a letter: which step was wrong, or that all is well. */
function say(a: Assembler, letter: string): void {
  load(a, r8, GUEST_UART);
  a.mov(r9, letter.charCodeAt(0));
  a.str(r9, [r8]);
}

function kernel(entry: number): Uint8Array {
  const a = assembler(GUEST_RAM + 0x40);
  const end = a.label('end');
  for (let at = 0; at < entry; at += 4) a.word(0xe7f0_00f0);
  /** Goes on where the last comparison was of equal ones. */
  const wantEqual = (letter: string): void => {
    const right = a.label(`right ${letter}`);
    a.beq(right);
    say(a, letter);
    a.b(end);
    a.at(right);
  };
  // A boundary of 4 MiB is 0x40 and its entry before.
  a.sub(r3, pc, 8 + 0x40 + entry);
  load(a, r4, 4 * MIB - 1);
  a.tst(r3, r4);
  wantEqual('p');
  a.cmp(r0, 0);
  wantEqual('0');
  load(a, r5, TABLE);
  for (const [from, kind] of [
    [GUEST_RAM, SECTION],
    [GUEST_UART & -MIB, DEVICE_SECTION],
  ] as const) {
    load(a, r0, (from | kind) >>> 0);
    load(a, r1, (from >>> 20) * 4);
    a.str(r0, [r5, r1]);
  }
  // The MiB of the tree.
  a.lsr(r1, r2, 20);
  a.lsl(r0, r1, 20);
  load(a, r3, SECTION);
  a.orr(r0, r0, r3);
  a.lsl(r1, r1, 2);
  a.str(r0, [r5, r1]);
  switchMmuOn(a, r5);
  a.ldr(r0, [r2]);
  a.rev(r0, r0);
  load(a, r1, FDT_MAGIC);
  a.cmp(r0, r1);
  wantEqual('m');
  // All of the tree is there: its last word is the end of its strings' block or of its structure, and can be read.
  a.ldr(r0, [r2, FDT_SIZE_AT]);
  a.rev(r0, r0);
  a.add(r0, r0, r2);
  a.sub(r0, r0, 4);
  a.lsr(r6, r0, 20);
  a.lsr(r7, r2, 20);
  a.cmp(r6, r7);
  wantEqual('b');
  a.ldr(r0, [r0]);
  say(a, '!');
  a.at(end);
  a.b(end);
  return a.assemble();
}

test.each([0, 0x20])(
  'a U-Boot image of the kind kernel_noload that is entered at %i',
  async (entry) => {
    const file = uImage(kernel(entry), { type: 14, entry });
    const guest = { name: 'bsd', kernel: 'k', memory: MEMORY, cores: 1, commandLine: 'root=ld0a' };
    const plan = placeGuest(guest, { program: file, initramfs: DISK }, [3], 2);
    const image = buildHypervisor({
      ...{ armMemory: ARM_MEMORY, hostCores: 3, hostKernel: quietHost },
      guests: [plan],
    });
    const pi = await createBuiltInPi({ ...handoverOf(image), armMemory: ARM_MEMORY }, () => undefined);
    pi.run(100e6);
    expect(consoleText(image, pi.cpu.memory.observe(0, ARM_MEMORY), 0)).toBe('!');
    // The memory disk is where the tree says.
    const chosen = findNode(readFdt(plan.tree.data), '/chosen')!.properties;
    const says = (name: string): number => readU32BE(chosen.get(name)!, 0) - GUEST_RAM;
    expect([says('linux,initrd-start'), says('linux,initrd-end')]).toEqual([
      plan.initramfs!.offset,
      plan.initramfs!.offset + DISK.length,
    ]);
    const disk = image.guestMemory[0]! + plan.initramfs!.offset;
    expect(pi.cpu.memory.observe(disk, DISK.length).slice()).toEqual(DISK);
  },
  60_000,
);
