/** A host and guests in small, and the machine that they run in. */
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { VECTOR_IRQ } from '../../src/cpu/exceptions.js';
import { MODE_IRQ, MODE_SVC } from '../../src/isa/program-status.js';
import type { Label } from '../../src/isa/registers.js';
import { lr, pc, r0, r1, r2, r3, r4, sp } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { readU32LE } from '../../src/base/bytes.js';
import { CRYSTAL_HZ, PERIPHERAL_BASE, UART0_BASE } from '../../src/board/bcm2836.js';
import { INTERRUPT_CONTROLLER_REGISTERS } from '../../src/board/interrupt-controller.js';
import { LOCAL_BASE, LOCAL_REGISTERS, LOCAL_SOURCE } from '../../src/board/local-peripherals.js';
import { PL011_REGISTERS } from '../../src/board/pl011.js';
import { buildBootBlock, KERNEL_OFFSET } from '../../src/boot/block.js';
import { followConsole } from '../../src/engine/memory-console.js';
import type { Handover } from '../../src/firmware/handover.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image/image.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { guestBase } from '../../src/hypervisor/shared/guest-machine.js';
import { GUEST_RAM, NEAR_UARTS } from '../../src/hypervisor/shared/layout.js';
import { BRANCH_TO_ITSELF } from '../support/bare-guest.js';
import { silentPayload } from '../support/payloads.js';

/** Memory of the small machines: enough, and little to clear. */
export const ARM_MEMORY = 0x0400_0000;
export const GUEST_MEMORY = 0x20_0000;
/** Where a small guest's kernel stands in its memory. */
export const GUEST_KERNEL = 0x8000;
/** The guest's machine. */
export { GUEST_RAM };
export const [GICD, GICC, GUEST_UART] = [guestBase('gicd'), guestBase('gicc'), guestBase('uart')];
/** Registers of the CPU interface: priority mask, acknowledge, end of interrupt. */
export const [GICC_PMR, GICC_IAR, GICC_EOIR] = [0x4, 0xc, 0x10];

// The board's devices, as a host has them.
const { CR, FR, IMSC } = PL011_REGISTERS;
const { RXFE } = FR.bits;
const CONTROLLER = PERIPHERAL_BASE + 0xb200;
const { BASIC_PENDING, PENDING2, ENABLE2, DISABLE2 } = INTERRUPT_CONTROLLER_REGISTERS;
/** GPU interrupt 60, the consoles', in its half's registers. */
const CONSOLES_LINE = 1 << 28;

/** Loads a 32-bit value into a register, in two instructions. */
export function load(a: Assembler, to: Parameters<Assembler['movw']>[0], value: number): void {
  a.movw(to, value & 0xffff);
  a.movt(to, value >>> 16);
}

/** Switches the MMU on, with a table of the short format whose sections are of domain 0. Changes R0. */
export function switchMmuOn(a: Assembler, table: Parameters<Assembler['movw']>[0]): void {
  a.mcr(reg.TTBR0, table);
  a.mov(r0, 1);
  a.mcr(reg.DACR, r0);
  a.dsb();
  a.mcr(reg.TLBIALL, r0);
  a.mrc(reg.SCTLR, r0);
  a.orr(r0, r0, 1);
  a.mcr(reg.SCTLR, r0);
  a.isb();
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
  for (let at = 4; at < VECTOR_IRQ; at += 4) a.word(BRANCH_TO_ITSELF);
  a.b(handler);
  if (fiq) fiq(a);
  else a.word(BRANCH_TO_ITSELF);
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

/** A guest with a small kernel on core 3, unless told otherwise. */
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

/** Lets time go by in plain instructions, two a round, which the built-in machine is quick at; `by` ends at 0. */
export function spin(a: Assembler, by: Parameters<Assembler['movw']>[0], rounds: number): void {
  load(a, by, rounds);
  const again = a.label('spin');
  a.at(again);
  a.subs(by, by, 1);
  a.bne(again);
}

/** Code of a small host: `main` runs in SVC mode, IRQs go to `irq`, which may change R0 to R4. */
export function smallHost(main: (a: Assembler) => void, irq: (a: Assembler) => void): Uint8Array {
  const a = assembler(0);
  const [start, handler, vectors] = [a.label('start'), a.label('handler'), a.label('vectors')];
  a.b(start);
  // The kernel is put at a multiple of 32 bytes, as vectors have to be.
  for (let i = 1; i < 8; i++) a.nop();
  a.at(vectors);
  for (let at = 0; at < VECTOR_IRQ; at += 4) a.word(BRANCH_TO_ITSELF);
  a.b(handler);
  a.word(BRANCH_TO_ITSELF);
  a.at(handler);
  a.push([r0, r1, r2, r3, r4]);
  irq(a);
  a.pop([r0, r1, r2, r3, r4]);
  a.subs(pc, lr, 4);
  a.at(start);
  a.adr(r0, vectors);
  a.mcr(reg.VBAR, r0);
  a.cps(MODE_IRQ);
  a.mov(sp, HOST_IRQ_STACK);
  a.cps(MODE_SVC);
  main(a);
  return a.assemble();
}

/** Where a host counts its timer's interrupts, 1 ms from each other; its IRQ mode's stack ends at the next. */
export const HOST_TICKS = 0x2000;
const HOST_IRQ_STACK = 0x3000;
const TICK = CRYSTAL_HZ / 1000;

/** Begins to count a host's ticks. Changes R0 and R1. */
export function startTicks(a: Assembler): void {
  load(a, r0, HOST_TICKS);
  a.mov(r1, 0);
  a.str(r1, [r0]);
  load(a, r0, LOCAL_BASE + LOCAL_REGISTERS.TIMERS_ROUTING.offset);
  // As Linux' driver: the HYP timer's bit stands there, too.
  a.ldr(r1, [r0]);
  a.orr(r1, r1, LOCAL_SOURCE.CNTVIRQ);
  a.str(r1, [r0]);
  load(a, r1, TICK);
  a.mcr(reg.CNTV_TVAL, r1);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
}

/** Counts one, in the handler. Changes R0 and R2. */
export function countTick(a: Assembler): void {
  load(a, r0, HOST_TICKS);
  a.ldr(r2, [r0]);
  a.add(r2, r2, 1);
  a.str(r2, [r0]);
  load(a, r2, TICK);
  a.mcr(reg.CNTV_TVAL, r2);
}

/** Address of a console's near end. */
const nearEnd = (console: number): number => NEAR_UARTS + 0x1000 * console;

/**
 * A host that writes what comes from a console's far end to the board's PL011, byte by byte, for ever. Its own timer
 * interrupts it on the way; how often stands at {@link HOST_TICKS}. Without a console it only waits for that.
 */
export function listeningHost(console?: number): Uint8Array {
  return smallHost((a) => {
    const wait = a.label('wait');
    startTicks(a);
    a.cpsie('i');
    load(a, r3, nearEnd(console ?? 0));
    load(a, r4, UART0_BASE);
    a.at(wait);
    if (console === undefined) {
      a.wfi();
    } else {
      a.ldr(r0, [r3, FR.offset]);
      a.tst(r0, RXFE);
      a.ldreq(r0, [r3]);
      a.streq(r0, [r4]);
    }
    a.b(wait);
  }, countTick);
}

/**
 * A host that sleeps until a console interrupts it, as Linux' drivers would be: by the local controller and the GPU's
 * to the near end, whose bytes it writes to the board's PL011. Its timer interrupts it, too. What it finds wrong it
 * writes as `!`.
 */
export function interruptedHost(console: number): Uint8Array {
  return smallHost(
    (a) => {
      const [early, sleep] = [a.label('early'), a.label('sleep')];
      startTicks(a);
      load(a, r0, CONTROLLER);
      a.mov(r1, CONSOLES_LINE);
      a.str(r1, [r0, ENABLE2.offset]);
      load(a, r3, nearEnd(console));
      a.mov(r1, IMSC.bits.RX | IMSC.bits.RT);
      a.str(r1, [r3, IMSC.offset]);
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
      load(a, r1, CR.bits.UARTEN | CR.bits.TXE | CR.bits.RXE);
      a.str(r1, [r3, CR.offset]);
      a.cpsie('i');
      a.at(sleep);
      a.wfi();
      a.b(sleep);
    },
    (a) => {
      const [notTimer, read, wrong, over] = ['no timer', 'read', 'wrong', 'over'].map((it) =>
        a.label(it),
      ) as [Label, Label, Label, Label];
      load(a, r0, LOCAL_BASE + LOCAL_REGISTERS.IRQ_SOURCE.offset);
      a.ldr(r1, [r0]);
      a.tst(r1, LOCAL_SOURCE.CNTVIRQ);
      a.beq(notTimer);
      countTick(a);
      a.b(over);
      a.at(notTimer);
      a.tst(r1, LOCAL_SOURCE.GPU);
      a.beq(wrong);
      load(a, r0, CONTROLLER);
      a.ldr(r1, [r0]);
      a.tst(r1, BASIC_PENDING.bits.PENDING2);
      a.beq(wrong);
      a.ldr(r1, [r0, PENDING2.offset]);
      a.cmp(r1, CONSOLES_LINE);
      a.bne(wrong);
      // As Linux' handler of level interrupts: masked meanwhile.
      a.str(r1, [r0, DISABLE2.offset]);
      load(a, r3, nearEnd(console));
      load(a, r4, UART0_BASE);
      a.at(read);
      a.ldr(r2, [r3, FR.offset]);
      a.tst(r2, RXFE);
      a.ldreq(r2, [r3]);
      a.streq(r2, [r4]);
      a.beq(read);
      a.str(r1, [r0, ENABLE2.offset]);
      a.b(over);
      a.at(wrong);
      load(a, r4, UART0_BASE);
      a.mov(r2, '!'.charCodeAt(0));
      a.str(r2, [r4]);
      a.at(over);
    },
  );
}

/** A host that sleeps on every core. */
export const quietHost = silentPayload;

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
      unsure: [],
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
  const console = description.consoles[number + 1]!;
  const { log, size, written } = console;
  const bytes = followConsole(console)(readU32LE(ram, written), ram.subarray(log, log + size));
  return new TextDecoder('latin1').decode(bytes);
}
