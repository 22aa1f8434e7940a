/** A host and guests in small, and the machine that they run in. */
import type { Assembler } from '../../src/arm/assembler.js';
import { assembler } from '../../src/arm/assembler.js';
import type { Label } from '../../src/arm/registers.js';
import { r0, r1, r2, r3, r4 } from '../../src/arm/registers.js';
import * as reg from '../../src/arm/system-registers.js';
import { UART0_BASE } from '../../src/board/bcm2836.js';
import { buildBootBlock, KERNEL_OFFSET } from '../../src/boot/block.js';
import type { Handover } from '../../src/firmware/handover.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image.js';
import { buildHypervisor } from '../../src/hypervisor/image.js';
import { NEAR_UARTS } from '../../src/hypervisor/layout.js';

/** Memory of the small machines: enough, and little to clear. */
export const ARM_MEMORY = 0x0400_0000;
export const GUEST_MEMORY = 0x20_0000;
/** Where a small guest's kernel stands in its memory. */
export const GUEST_KERNEL = 0x8000;
/** The guest's machine, as QEMU's "virt". */
export const GUEST_RAM = 0x4000_0000;
export const GICD = 0x0800_0000;
export const GICC = 0x0801_0000;
export const GUEST_UART = 0x0900_0000;

export function load(a: Assembler, to: Parameters<Assembler['movw']>[0], value: number): void {
  a.movw(to, value & 0xffff);
  a.movt(to, value >>> 16);
}

/** Code of a small guest: `main` runs in SVC mode, IRQs go to `irq` and FIQs to `fiq`. */
export function smallGuest(
  main: (a: Assembler) => void,
  irq?: (a: Assembler) => void,
  fiq?: (a: Assembler) => void,
): Uint8Array {
  const a = assembler(GUEST_RAM + GUEST_KERNEL);
  const [start, handler] = [a.label('start'), a.label('handler')];
  a.b(start);
  for (let at = 4; at < 0x18; at += 4) a.word(0xeaff_fffe);
  a.b(handler);
  if (fiq) fiq(a);
  else a.word(0xeaff_fffe);
  a.at(handler);
  irq?.(a);
  a.at(start);
  load(a, r0, GUEST_RAM + GUEST_KERNEL);
  a.mcr(reg.VBAR, r0);
  main(a);
  return a.assemble();
}

/** Prints a text on the guest's UART. Changes R0 to R2. */
export function print(a: Assembler, text: string): void {
  const [bytes, again, over] = [a.label('text'), a.label('print'), a.label('over')];
  load(a, r0, GUEST_UART);
  a.adr(r1, bytes);
  a.at(again);
  a.ldrb(r2, [r1], 1);
  a.cmp(r2, 0);
  a.beq(over);
  a.str(r2, [r0]);
  a.b(again);
  a.at(bytes);
  a.bytes(new TextEncoder().encode(text.padEnd(Math.ceil((text.length + 1) / 4) * 4, '\0')));
  a.at(over);
}

export function guest(kernel: Uint8Array, more: Partial<GuestPlan> = {}): GuestPlan {
  return {
    name: SMALL,
    memory: GUEST_MEMORY,
    kernel: { data: kernel, offset: GUEST_KERNEL },
    tree: { data: new Uint8Array(32), offset: 0x1000 },
    cores: [3],
    ...more,
  };
}

/**
 * A host that writes what comes from a console's far end to the board's PL011, byte by byte, for ever. Its own timer
 * interrupts it on the way; how often stands at {@link HOST_TICKS}. Without a console it only waits for that.
 */
export function listeningHost(console?: number): Uint8Array {
  const a = assembler(0);
  const [start, main, handler, table, wait] = ['start', 'main', 'handler', 'table', 'wait'].map((it) =>
    a.label(it),
  ) as [Label, Label, Label, Label, Label];
  a.b(start);
  for (let i = 1; i < 8; i++) a.nop();
  // Vectors, at a multiple of 32 as the file's parts are.
  a.at(table);
  for (let i = 0; i < 6; i++) a.word(0xeaff_fffe);
  a.b(handler);
  a.word(0xeaff_fffe);
  a.at(handler);
  a.push([r0, r1]);
  load(a, r0, HOST_TICKS);
  a.ldr(r1, [r0]);
  a.add(r1, r1, 1);
  a.str(r1, [r0]);
  load(a, r1, TICK);
  a.mcr(reg.CNTV_TVAL, r1);
  a.pop([r0, r1]);
  a.subs({ core: 15 }, { core: 14 }, 4);
  a.at(start);
  a.adr(r0, table);
  a.mcr(reg.VBAR, r0);
  a.mov({ core: 13 }, 0x4000);
  // SP of IRQ mode.
  a.cps(0x12);
  a.mov({ core: 13 }, 0x3000);
  a.cps(0x13);
  load(a, r0, HOST_TICKS);
  a.mov(r1, 0);
  a.str(r1, [r0]);
  load(a, r0, 0x4000_0040);
  a.ldr(r1, [r0]);
  a.orr(r1, r1, 8);
  a.str(r1, [r0]);
  load(a, r1, TICK);
  a.mcr(reg.CNTV_TVAL, r1);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
  a.cpsie('i');
  a.at(main);
  load(a, r3, NEAR_UARTS + 0x1000 * (console ?? 0));
  load(a, r4, UART0_BASE);
  a.at(wait);
  if (console === undefined) {
    a.wfi();
    a.b(wait);
    return a.assemble();
  }
  a.ldr(r0, [r3, 0x18]);
  a.tst(r0, 0x10);
  a.bne(wait);
  a.ldr(r0, [r3]);
  a.str(r0, [r4]);
  a.b(wait);
  return a.assemble();
}
/** Where the host counts its interrupts, and the ticks of the system counter between them: 1 ms. */
export const HOST_TICKS = 0x2000;
const TICK = 19_200;

/**
 * A host that sleeps until a console interrupts it, as Linux' drivers would be: by the local controller and the GPU's
 * to the near end, whose bytes it writes to the board's PL011. Its timer interrupts it, too. What it finds wrong it
 * writes as `!`.
 */
export function interruptedHost(console: number): Uint8Array {
  const a = assembler(0);
  const [start, main, handler, table] = ['start', 'main', 'handler', 'table'].map((it) => a.label(it)) as [
    Label,
    Label,
    Label,
    Label,
  ];
  const [notTimer, read, wrong, over, early] = ['no timer', 'read', 'wrong', 'over', 'early'].map((it) =>
    a.label(it),
  ) as [
    Label,
    Label,
    Label,
    Label,
    Label,
  ];
  a.b(start);
  for (let i = 1; i < 8; i++) a.nop();
  a.at(table);
  for (let i = 0; i < 6; i++) a.word(0xeaff_fffe);
  a.b(handler);
  a.word(0xeaff_fffe);

  a.at(handler);
  load(a, r0, LOCAL_IRQ_SOURCE);
  a.ldr(r1, [r0]);
  a.tst(r1, SOURCE_VIRTUAL_TIMER);
  a.beq(notTimer);
  load(a, r0, HOST_TICKS);
  a.ldr(r2, [r0]);
  a.add(r2, r2, 1);
  a.str(r2, [r0]);
  load(a, r2, TICK);
  a.mcr(reg.CNTV_TVAL, r2);
  a.b(over);
  a.at(notTimer);
  a.tst(r1, SOURCE_GPU);
  a.beq(wrong);
  load(a, r0, CONTROLLER);
  a.ldr(r1, [r0]);
  a.tst(r1, 1 << 9);
  a.beq(wrong);
  a.ldr(r1, [r0, 8]);
  a.cmp(r1, 1 << 28);
  a.bne(wrong);
  // As Linux' handler of level interrupts: masked meanwhile.
  a.str(r1, [r0, 0x20]);
  load(a, r3, NEAR_UARTS + 0x1000 * console);
  load(a, r4, UART0_BASE);
  a.at(read);
  a.ldr(r2, [r3, 0x18]);
  a.tst(r2, 0x10);
  a.ldreq(r2, [r3]);
  a.streq(r2, [r4]);
  a.beq(read);
  a.str(r1, [r0, 0x14]);
  a.b(over);
  a.at(wrong);
  load(a, r4, UART0_BASE);
  a.mov(r2, '!'.charCodeAt(0));
  a.str(r2, [r4]);
  a.at(over);
  a.subs({ core: 15 }, { core: 14 }, 4);

  a.at(start);
  a.adr(r0, table);
  a.mcr(reg.VBAR, r0);
  load(a, r0, HOST_TICKS);
  a.mov(r1, 0);
  a.str(r1, [r0]);
  load(a, r0, 0x4000_0040);
  a.ldr(r1, [r0]);
  a.orr(r1, r1, 8);
  a.str(r1, [r0]);
  load(a, r1, TICK);
  a.mcr(reg.CNTV_TVAL, r1);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
  load(a, r0, CONTROLLER);
  a.mov(r1, 1 << 28);
  a.str(r1, [r0, 0x14]);
  load(a, r3, NEAR_UARTS + 0x1000 * console);
  a.mov(r1, 0x50);
  a.str(r1, [r3, 0x38]);
  // As Linux' driver: it lets the interrupts through long before it begins to receive.
  a.at(early);
  a.wfi();
  a.cpsie('i');
  a.nop();
  a.cpsid('i');
  load(a, r0, HOST_TICKS);
  a.ldr(r1, [r0]);
  a.cmp(r1, 30);
  a.blt(early);
  load(a, r3, NEAR_UARTS + 0x1000 * console);
  load(a, r1, 0x301);
  a.str(r1, [r3, 0x30]);
  a.cpsie('i');
  a.at(main);
  a.wfi();
  a.b(main);
  return a.assemble();
}
const LOCAL_IRQ_SOURCE = 0x4000_0060;
const SOURCE_VIRTUAL_TIMER = 1 << 3;
const SOURCE_GPU = 1 << 8;
const CONTROLLER = 0x3f00_b200;

/** A host that sleeps on every core. */
export const quietHost = Uint8Array.of(0x03, 0xf0, 0x20, 0xe3, 0xfd, 0xff, 0xff, 0xea);

/** A Pi 2 whose firmware has loaded the boot block and a hypervisor. */
export function handoverOf({ file }: HypervisorImage, more: Handover['memory'] = [], tree = 0x100): Handover {
  const block = buildBootBlock(tree);
  return {
    memory: [
      { name: 'stub', address: 0, data: block.subarray(0, 0x100) },
      { name: 'kernel', address: KERNEL_OFFSET, data: file },
      ...more,
    ],
    armMemory: ARM_MEMORY,
    picked: {
      kernel: { file: 'hypberry.img', address: KERNEL_OFFSET, size: file.length },
      stub: { from: 'kernel' },
      tree: undefined,
      initramfs: undefined,
      osPrefix: '',
      commandLine: '',
      notes: [],
    },
  };
}

/** A small hypervisor's file. Guests that are all called the same get a number. */
export function smallImage(host: Uint8Array, guests: readonly GuestPlan[]): HypervisorImage {
  const hostCores = Math.min(...guests.flatMap(({ cores }) => cores));
  const named = guests.map((it, i) => (it.name === SMALL ? { ...it, name: `${SMALL}-${i + 1}` } : it));
  return buildHypervisor({ armMemory: ARM_MEMORY, hostCores, hostKernel: host, guests: named });
}
const SMALL = 'small';

/** What a guest (from 0) has written to its console, or the hypervisor (-1): the last of it, as the log has it. */
export function consoleText({ description }: HypervisorImage, ram: Uint8Array, number: number): string {
  const { log, size, written } = description.consoles[number + 1]!;
  const count = new DataView(ram.buffer, ram.byteOffset).getUint32(written, true);
  const length = Math.min(count, size);
  const bytes = Uint8Array.from({ length }, (_, i) => ram[log + ((count - length + i) % size)]!);
  return new TextDecoder('latin1').decode(bytes);
}
