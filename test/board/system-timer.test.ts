import { describe, expect, test } from 'vitest';
import { SystemTimer, SYSTEM_TIMER_REGISTERS } from '../../src/board/system-timer.js';
import { alone, probe, TestTime } from './rig.js';

const { CS, CLO, CHI, C } = SYSTEM_TIMER_REGISTERS;

function timer() {
  const time = new TestTime();
  const irqs = [probe(), probe(), probe(), probe()];
  return { ...alone(new SystemTimer(time.clock, irqs)), time, irqs };
}

describe('system timer', () => {
  test('counts microseconds in 64 bits', () => {
    const { read, time } = timer();
    time.advance(1_999);
    expect(read(CLO.offset)).toBe(1);
    time.advance(2 ** 32 * 3000);
    expect([read(CLO.offset), read(CHI.offset)]).toEqual([1, 3]);
  });

  test('a compare matches when the counter comes to it, and keeps its line up until the bit is written', () => {
    const { read, write, time, irqs } = timer();
    write(C.offset + 4 * 3, 100);
    time.advance(99_999);
    expect([read(CS.offset), irqs[3]!.level]).toEqual([0, false]);
    time.advance(1);
    expect([read(CS.offset), irqs[3]!.level]).toEqual([8, true]);
    write(CS.offset, 0x7);
    expect(irqs[3]!.level).toBe(true);
    write(CS.offset, 0x8);
    expect([read(CS.offset), irqs[3]!.level]).toEqual([0, false]);
  });

  test('a compare behind the counter matches after the lower half has come around', () => {
    const { read, write, time, irqs } = timer();
    time.advance(10_000_000);
    write(C.offset + 4, 5);
    time.advance(1e9);
    expect(read(CS.offset)).toBe(0);
    time.advance(2 ** 32 * 1000);
    expect([read(CS.offset), irqs[1]!.level]).toEqual([2, true]);
    expect(read(C.offset + 4)).toBe(5);
  });

  test('matches again each time around', () => {
    const { read, write, time } = timer();
    write(C.offset, 50);
    time.advance(60_000);
    write(CS.offset, 1);
    time.advance(2 ** 32 * 1000);
    expect(read(CS.offset)).toBe(1);
  });
});
