import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r3, r4, r5, r6 } from '../../src/isa/registers.js';
import { d } from '../../src/isa/extension-registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image/image.js';
import {
  consoleText,
  GICC,
  GICD,
  guest,
  GUEST_KERNEL,
  GUEST_RAM,
  handoverOf,
  load,
  print,
  quietHost,
  smallGuest,
  smallImage,
  spin,
  switchMmuOn,
} from './payloads.js';
import { ramView } from '../support/ram.js';

const PSCI = { CPU_ON: 0x8400_0003, SYSTEM_OFF: 0x8400_0008, SYSTEM_RESET: 0x8400_0009 } as const;
/** A word in a guest's memory, for tests to look at. */
const COUNTER = 0x4000;

interface Run {
  readonly pi: BuiltInPi;
  /** Word at an offset in a guest's memory. */
  readonly word: (guest: number, offset: number) => number;
  /** What a guest has sent to its console. */
  readonly said: (guest: number) => string;
}

/** Runs a quiet host and guests for some milliseconds. */
async function run(guests: readonly GuestPlan[], ms: number): Promise<Run> {
  const image: HypervisorImage = smallImage(quietHost, guests);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(ms * 1_000_000);
  const view = ramView(pi.cpu);
  const at = (guest: number, offset: number): number => image.guestMemory[guest]! + offset;
  return {
    pi,
    word: (guest, offset) => view.getUint32(at(guest, offset), true),
    said: (guest) => consoleText(image, pi.cpu.memory.observe(), guest),
  };
}

/** Counts in memory for ever, with interrupts masked, and keeps every register at a value of its own. */
const counting = (seed: number): Uint8Array =>
  smallGuest((a) => {
    const [again, wrong] = [a.label('again'), a.label('wrong')];
    a.mov(r0, 0xf << 20);
    a.mcr(reg.CPACR, r0);
    a.isb();
    a.mov(r0, 0x4000_0000);
    a.vmsr('FPEXC', r0);
    load(a, r6, GUEST_RAM + COUNTER);
    load(a, r5, seed);
    a.vmov(d(31), r5, r6);
    a.mcr(reg.TPIDRPRW, r5);
    a.msr('SP_irq', r5);
    a.mov(r4, 0);
    a.at(again);
    a.add(r4, r4, 1);
    a.str(r4, [r6]);
    // Most of the time goes by in plain instructions; the rest is slow in the built-in machine.
    spin(a, r0, 4096);
    a.vmov(r0, r1, d(31));
    a.cmp(r0, r5);
    a.cmpeq(r1, r6);
    a.mrc(reg.TPIDRPRW, r2);
    a.cmpeq(r2, r5);
    a.mrs(r2, 'SP_irq');
    a.cmpeq(r2, r5);
    a.beq(again);
    a.at(wrong);
    load(a, r0, 0xdead);
    a.str(r0, [r6, 4]);
    a.b(wrong);
  });

/** Calls PSCI with up to three arguments. */
function psci(a: Assembler, call: number, ...args: readonly number[]): void {
  [r1, r2, r3].forEach((register, i) => {
    if (args[i] !== undefined) load(a, register, args[i]);
  });
  load(a, r0, call);
  a.hvc(0);
}

describe('machines beside each other', () => {
  test('two that never give a core away share it evenly, and keep their registers', async () => {
    const { word } = await run([guest(counting(0x1234)), guest(counting(0x9876_5432))], 40);
    const counts = [word(0, COUNTER), word(1, COUNTER)] as const;
    expect(word(0, COUNTER + 4)).toBe(0);
    expect(word(1, COUNTER + 4)).toBe(0);
    expect(Math.min(...counts)).toBeGreaterThan(500);
    expect(Math.min(...counts) / Math.max(...counts)).toBeGreaterThan(0.7);
  });

  test('a guest starts its second CPU on another core, and interrupts it', async () => {
    const kernel = smallGuest(
      (a) => {
        const [second, wait, start] = [a.label('second'), a.label('wait'), a.label('start')];
        a.b(start);
        a.at(second);
        const entry = a.here;
        // R0: the context given. Its interrupt interface on, then it waits.
        load(a, r6, GUEST_RAM + COUNTER);
        a.str(r0, [r6]);
        load(a, r0, GUEST_RAM + GUEST_KERNEL);
        a.mcr(reg.VBAR, r0);
        enableInterface(a);
        a.mov(r0, 1);
        a.str(r0, [r6, 8]);
        a.cpsie('i');
        a.b(wait);
        a.at(start);
        load(a, r3, GICD);
        a.mov(r1, 1);
        a.str(r1, [r3]);
        psci(a, PSCI.CPU_ON, 1, entry, 0x77);
        load(a, r6, GUEST_RAM + COUNTER);
        a.str(r0, [r6, 4]);
        const ready = a.label('ready');
        a.at(ready);
        a.ldr(r0, [r6, 8]);
        a.cmp(r0, 1);
        a.bne(ready);
        load(a, r3, GICD);
        // SGI 5 to CPU 1.
        load(a, r1, (2 << 16) | 5);
        a.str(r1, [r3, 0xf00]);
        a.at(wait);
        a.wfi();
        a.b(wait);
      },
      (a) => {
        load(a, r3, GICC);
        a.ldr(r2, [r3, 0xc]);
        a.str(r2, [r3, 0x10]);
        a.mrc(reg.MPIDR, r1);
        load(a, r6, GUEST_RAM + COUNTER);
        a.str(r2, [r6, 12]);
        a.str(r1, [r6, 16]);
        a.subs({ core: 15 }, { core: 14 }, 4);
      },
    );
    const { word } = await run([guest(kernel, { cores: [2, 3] })], 30);
    const seen = [0, 4, 8, 12, 16].map((it) => word(0, COUNTER + it));
    // Context; PSCI success; ready; SGI 5 from CPU 0; on CPU 1.
    expect(seen).toEqual([0x77, 0, 1, 5, 0x8000_0001]);
  });

  test('two CPUs of a guest on one core keep their own translations', async () => {
    const [SECTION, SHARED, MEGABYTE] = [0xc02, 0x5000_0000, 0x10_0000];
    const TABLE = GUEST_RAM + MEGABYTE + 0x8000;
    /** CPU n maps the shared page's megabyte to the nth of the memory, where n stands, and reads it for ever. */
    const cpu = (a: Assembler, n: number): void => {
      const [again, same] = [a.label('again'), a.label('same')];
      load(a, r6, GUEST_RAM + n * MEGABYTE + COUNTER);
      a.mov(r0, n);
      a.str(r0, [r6]);
      load(a, r5, TABLE + n * 0x4000);
      for (const [from, to] of [
        [GUEST_RAM, GUEST_RAM],
        [GUEST_RAM + MEGABYTE, GUEST_RAM + MEGABYTE],
        [SHARED, GUEST_RAM + n * MEGABYTE],
      ] as const) {
        load(a, r0, to | SECTION);
        load(a, r1, (from / MEGABYTE) * 4);
        a.str(r0, [r5, r1]);
      }
      switchMmuOn(a, r5);
      load(a, r4, SHARED + COUNTER);
      a.mov(r3, 0);
      a.at(again);
      a.ldr(r0, [r4]);
      a.cmp(r0, n);
      a.beq(same);
      load(a, r2, 0xdead);
      a.str(r2, [r6, 8]);
      a.at(same);
      a.add(r3, r3, 1);
      a.str(r3, [r6, 4]);
      spin(a, r0, 1024);
      a.b(again);
    };
    const kernel = smallGuest((a) => {
      const start = a.label('start');
      a.b(start);
      const second = a.here;
      cpu(a, 1);
      a.at(start);
      psci(a, PSCI.CPU_ON, 1, second, 0);
      cpu(a, 0);
    });
    const { word } = await run([guest(kernel, { cores: [3, 3] })], 40);
    for (const at of [COUNTER, COUNTER + MEGABYTE]) {
      expect(word(0, at + 4)).toBeGreaterThan(100);
      expect(word(0, at + 8)).toBe(0);
    }
  });

  test('a guest restarts with its memory as it was at first; others go on; one that is off stays off', async () => {
    const restarting = smallGuest((a) => {
      load(a, r6, GUEST_RAM + COUNTER);
      a.ldr(r4, [r6]);
      a.add(r4, r4, 1);
      a.str(r4, [r6]);
      print(a, 'begin\n');
      psci(a, PSCI.SYSTEM_RESET);
    });
    const ending = smallGuest((a) => {
      print(a, 'off');
      psci(a, PSCI.SYSTEM_OFF);
      print(a, 'never');
    });
    const { word, said } = await run([guest(restarting), guest(ending), guest(counting(3))], 40);
    expect(word(0, COUNTER)).toBeLessThanOrEqual(1);
    expect(said(0).split('\n').length).toBeGreaterThanOrEqual(4);
    expect(said(0)).toMatch(/^(begin\n)+(b(e(g(i(n)?)?)?)?)?$/);
    expect(said(1)).toBe('off');
    expect(word(2, COUNTER)).toBeGreaterThan(100);
  });
});

function enableInterface(a: Assembler): void {
  load(a, r3, GICC);
  a.mov(r1, 0xf0);
  a.str(r1, [r3, 4]);
  a.mov(r1, 1);
  a.str(r1, [r3]);
}
