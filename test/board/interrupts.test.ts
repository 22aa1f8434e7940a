import { describe, expect, test } from 'vitest';
import { restoreState, saveState } from '../../src/base/state.js';
import { InterruptController, INTERRUPT_CONTROLLER_REGISTERS } from '../../src/board/interrupt-controller.js';
import { CORE_TIMERS, LocalController } from '../../src/board/local-controller.js';
import {
  LOCAL_CONTROL,
  LOCAL_MAILBOX3_CLR,
  LOCAL_MAILBOX3_SET,
  LOCAL_MAILBOX_STRIDE,
  LOCAL_PRESCALER,
  LOCAL_PRESCALER_BY_1,
  LOCAL_REGISTERS as L,
} from '../../src/board/local-peripherals.js';
import { alone, probe, TestTime } from './rig.js';

const I = INTERRUPT_CONTROLLER_REGISTERS;

function gpu() {
  const irq = probe();
  const fiq = probe();
  const device = new InterruptController(irq, fiq);
  return { ...alone(device), device, irq, fiq };
}

function local() {
  const time = new TestTime();
  const irqs = [probe(), probe(), probe(), probe()];
  const fiqs = [probe(), probe(), probe(), probe()];
  const told = { coreTimerSet: 0 };
  const device = new LocalController(time.clock, irqs, fiqs, () => told.coreTimerSet++);
  const levels = (lines: { level: boolean }[]): string =>
    lines.map(({ level }) => (level ? '1' : '0')).join('');
  return { ...alone(device), device, time, told, irqs: () => levels(irqs), fiqs: () => levels(fiqs) };
}

describe('BCM2835 interrupt controller', () => {
  test('passes an interrupt on only while its line is up and it is enabled', () => {
    const { device, read, write, irq } = gpu();
    device.gpu(33)(true);
    expect(irq.level).toBe(false);
    write(I.ENABLE2.offset, 1 << 1);
    expect(irq.level).toBe(true);
    expect(read(I.PENDING2.offset)).toBe(2);
    expect(read(I.ENABLE2.offset)).toBe(2);
    device.gpu(33)(false);
    expect(irq.level).toBe(false);
    device.gpu(33)(true);
    write(I.DISABLE2.offset, 1 << 1);
    expect([irq.level, read(I.PENDING2.offset)]).toEqual([false, 0]);
  });

  test('basic pending says where to look: own bits, halves, and short cuts that do not count for the halves', () => {
    const { device, read, write } = gpu();
    write(I.ENABLE1.offset, 0xffff_ffff);
    write(I.ENABLE2.offset, 0xffff_ffff);
    write(I.ENABLE_BASIC.offset, 0xff);
    device.arm(1)(true);
    expect(read(I.BASIC_PENDING.offset)).toBe(0x2);
    device.arm(1)(false);
    // UART, GPU interrupt 57, is bit 19 (section 7.5, table of the basic pending register).
    device.gpu(57)(true);
    expect(read(I.BASIC_PENDING.offset)).toBe(1 << 19);
    device.gpu(57)(false);
    device.gpu(7)(true);
    device.gpu(62)(true);
    expect(read(I.BASIC_PENDING.offset)).toBe((1 << 10) | (1 << 20));
    device.gpu(1)(true);
    device.gpu(31)(true);
    device.gpu(63)(true);
    expect(read(I.BASIC_PENDING.offset)).toBe((1 << 8) | (1 << 9) | (1 << 10) | (1 << 20));
    expect(read(I.PENDING1.offset)).toBe(0x8000_0082);
  });

  test('one source can be the FIQ, enabled as IRQ or not', () => {
    const { device, write, fiq, irq } = gpu();
    device.gpu(9)(true);
    write(I.FIQ_CONTROL.offset, 0x80 | 9);
    expect([fiq.level, irq.level]).toEqual([true, false]);
    write(I.FIQ_CONTROL.offset, 0x80 | 65);
    expect(fiq.level).toBe(false);
    device.arm(1)(true);
    expect(fiq.level).toBe(true);
    write(I.FIQ_CONTROL.offset, 65);
    expect(fiq.level).toBe(false);
    write(I.FIQ_CONTROL.offset, 0x80 | 127);
    expect(fiq.level).toBe(false);
  });
});

describe('local controller', () => {
  test("routes a core's timers as IRQ or FIQ, FIQ first, to that core only", () => {
    const { device, read, write, irqs, fiqs } = local();
    for (const timer of CORE_TIMERS) device.timerLine(2, timer, true);
    expect([irqs(), fiqs()]).toEqual(['0000', '0000']);
    // Non-secure and virtual as IRQ, HYP as FIQ, secure as both.
    write(L.TIMERS_ROUTING.offset + 8, 0x5b);
    expect([irqs(), fiqs()]).toEqual(['0010', '0010']);
    expect(read(L.IRQ_SOURCE.offset + 8)).toBe(0xa);
    expect(read(L.FIQ_SOURCE.offset + 8)).toBe(0x5);
    expect(read(L.TIMERS_ROUTING.offset + 8)).toBe(0x5b);
    device.timerLine(2, 'physical', false);
    device.timerLine(2, 'virtual', false);
    expect([irqs(), fiqs()]).toEqual(['0000', '0010']);
  });

  test('mailboxes collect bits, interrupt while they hold any, and are cleared bit by bit', () => {
    const { read, write, irqs, fiqs } = local();
    const core = 3;
    write(L.MAILBOXES_ROUTING.offset + 4 * core, 0x81); // 0 as IRQ, 3 as FIQ
    const set = L.MAILBOX_SET.offset + 16 * core;
    const clear = L.MAILBOX_CLR.offset + 16 * core;
    write(set, 0x1);
    write(set, 0x8000_0000);
    expect(read(clear)).toBe(0x8000_0001);
    expect([irqs(), fiqs()]).toEqual(['0001', '0000']);
    expect(read(L.IRQ_SOURCE.offset + 4 * core)).toBe(0x10);
    write(clear, 0x1);
    expect(irqs()).toBe('0001');
    write(clear, 0xffff_ffff);
    expect([irqs(), read(clear)]).toEqual(['0000', 0]);
    write(set + 12, 4);
    expect([fiqs(), read(L.FIQ_SOURCE.offset + 4 * core)]).toEqual(['0001', 0x80]);
    // Set registers are write-only.
    expect(read(set + 12)).toBe(0);
  });

  test("the boot block's names for mailbox 3 are the addresses Linux uses", () => {
    // arch/arm/mach-bcm/platsmp.c writes 0x4000008c + 16n; facts of the boot protocol.
    expect([LOCAL_MAILBOX3_SET, LOCAL_MAILBOX3_CLR, LOCAL_MAILBOX_STRIDE]).toEqual([0x8c, 0xcc, 0x10]);
    expect([LOCAL_CONTROL, LOCAL_PRESCALER]).toEqual([0, 8]);
  });

  test('the GPU lines go to the cores that are chosen', () => {
    const { device, read, write, irqs, fiqs } = local();
    device.gpuIrq(true);
    expect([irqs(), read(L.IRQ_SOURCE.offset)]).toEqual(['1000', 0x100]);
    write(L.GPU_ROUTING.offset, (2 << 2) | 3);
    device.gpuFiq(true);
    expect([irqs(), fiqs()]).toEqual(['0001', '0010']);
    expect(read(L.FIQ_SOURCE.offset + 8)).toBe(0x100);
    expect(read(L.GPU_ROUTING.offset)).toBe(0xb);
  });

  test('performance monitor interrupts are set and cleared for each core', () => {
    const { device, read, write, irqs, fiqs } = local();
    device.pmuLine(1, true);
    write(L.PMU_ROUTING_SET.offset, 0x02);
    expect([irqs(), read(L.IRQ_SOURCE.offset + 4)]).toEqual(['0100', 0x200]);
    write(L.PMU_ROUTING_SET.offset, 0x20);
    expect([irqs(), fiqs()]).toEqual(['0000', '0100']);
    write(L.PMU_ROUTING_CLR.offset, 0x22);
    expect([irqs(), fiqs(), read(L.PMU_ROUTING_SET.offset)]).toEqual(['0000', '0000', 0]);
  });

  test('the local timer counts 38.4 MHz, sets its flag every period and goes to one core', () => {
    const { read, write, time, irqs, fiqs } = local();
    write(L.LOCAL_INT_ROUTING.offset, 1);
    // 38400 counts are a millisecond.
    write(L.LOCAL_TIMER.offset, 0x3000_0000 | 38400);
    time.advance(999_000);
    expect(irqs()).toBe('0000');
    time.advance(1_000);
    expect([irqs(), read(L.IRQ_SOURCE.offset + 4)]).toEqual(['0100', 0x800]);
    expect(read(L.LOCAL_TIMER.offset)).toBe((0xb000_0000 | 38400) >>> 0);
    write(L.LOCAL_TIMER_CLR.offset, 0x8000_0000);
    expect(irqs()).toBe('0000');
    time.advance(1_000_000);
    expect(irqs()).toBe('0100');
    write(L.LOCAL_INT_ROUTING.offset, 4 | 2);
    expect([irqs(), fiqs()]).toEqual(['0000', '0010']);
    write(L.LOCAL_TIMER.offset, 0);
    write(L.LOCAL_TIMER_CLR.offset, 0x8000_0000);
    time.advance(10_000_000);
    expect(fiqs()).toBe('0000');
  });

  test('the shortest local timer period does not flood the clock', () => {
    const { write, time } = local();
    write(L.LOCAL_TIMER.offset, 0x3000_0000);
    let events = 0;
    for (let t = 0; t < 1_000_000; events++) {
      const next = time.clock.nextEvent();
      time.pass(next - t);
      t = next;
      time.clock.runEvents();
    }
    expect(events).toBeLessThan(1_010);
  });

  test('the core timer counts source × prescaler / 2^31 and can be set', () => {
    const { device, read, write, time, told } = local();
    const full = (): bigint => device.coreTimer.countAt(time.clock.now());
    // After reset the prescaler is 0, which stops it (QA7, 3.1.1 and 4.3).
    expect(device.coreTimer.timeAfter(0, 1n)).toBe(Infinity);
    time.advance(1e9);
    expect(full()).toBe(0n);
    write(LOCAL_PRESCALER, LOCAL_PRESCALER_BY_1);
    time.advance(1e9);
    expect(read(L.CORE_TIMER_LS.offset)).toBe(19_200_000);
    // 0x06aaaaab makes 1 MHz (QA7, 3.1.1).
    write(LOCAL_PRESCALER, 0x06aa_aaab);
    time.advance(1e9);
    expect(read(L.CORE_TIMER_LS.offset)).toBe(20_200_000);
    write(L.CORE_TIMER_LS.offset, 0xffff_fff0);
    expect(full()).toBe(20_200_000n);
    write(L.CORE_TIMER_MS.offset, 5);
    time.advance(1e6);
    expect(read(L.CORE_TIMER_LS.offset)).toBe(1000 - 16);
    expect(read(L.CORE_TIMER_MS.offset)).toBe(6);
    expect(told.coreTimerSet).toBe(3);
    // Beyond what a double holds, and over its end.
    write(L.CORE_TIMER_LS.offset, 0xffff_ffff);
    write(L.CORE_TIMER_MS.offset, 0xffff_ffff);
    expect(full()).toBe(0xffff_ffff_ffff_ffffn);
    time.advance(1_000);
    expect(full()).toBe(0n);
    write(LOCAL_PRESCALER, 0);
    time.advance(1e9);
    expect(full()).toBe(0n);
  });

  test('the core timer’s clock may be half the ARM’s, and its step 2 (QA7, 4.2)', () => {
    const { device, write, time } = local();
    const full = (): bigint => device.coreTimer.countAt(time.clock.now());
    write(LOCAL_CONTROL, 1 << 8);
    write(LOCAL_PRESCALER, LOCAL_PRESCALER_BY_1);
    time.advance(1e9);
    expect(full()).toBe(450_000_000n);
    write(L.CORE_TIMER_LS.offset, 1);
    write(L.CORE_TIMER_MS.offset, 0);
    write(LOCAL_CONTROL, 1 << 9);
    time.advance(1e9);
    expect(full()).toBe(1n + 2n * 19_200_000n);
    // All odd, as what was written.
    for (let i = 0; i < 50; i++) {
      time.advance(37);
      expect(full() & 1n).toBe(1n);
    }
  });

  test('the core timer is exact at any prescaler, and says when it comes to a count', () => {
    const CRYSTAL = 19_200_000n;
    for (const prescaler of [1, 3, 0x06aa_aaab, 0x1234_5677, 0x7fff_ffff, 0x8000_0000]) {
      const { device, write, time } = local();
      const { coreTimer } = device;
      time.advance(12_345);
      write(LOCAL_PRESCALER, prescaler);
      const since = time.clock.now();
      for (const elapsed of [0, 1, 51, 52, 53, 999, 123_457, 1e9 + 7, 86_400e9 + 1]) {
        // Edges of the crystal times prescaler over 2^31 (QA7, 3.1.1).
        const count = (BigInt(elapsed) * CRYSTAL * BigInt(prescaler)) / ((10n ** 9n) << 31n);
        expect(coreTimer.countAt(since + elapsed)).toBe(count);
        for (const counts of [1n, 2n, 1000n]) {
          const at = coreTimer.timeAfter(since + elapsed, counts);
          expect(coreTimer.countAt(at) - count).toBe(counts);
          expect(coreTimer.countAt(at - 1) - count).toBe(counts - 1n);
        }
      }
    }
  });

  test('a core timer that is restored goes on at the rate that it was saved with', () => {
    const [saved, other] = [local(), local()];
    saved.write(LOCAL_PRESCALER, 0x1234_5679);
    other.write(LOCAL_PRESCALER, LOCAL_PRESCALER_BY_1);
    for (const { time } of [saved, other]) time.advance(5e6);
    expect(other.device.coreTimer.countAt(5e6)).toBe(96_000n);
    restoreState(other.device.state, saveState(saved.device.state));
    expect(other.device.coreTimer.countAt(20e6)).toBe((20n * 19_200n * 0x1234_5679n) >> 31n);
  });
});
