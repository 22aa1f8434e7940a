import { expect, test } from 'vitest';
import { LOCAL_BASE, LOCAL_PRESCALER, LOCAL_PRESCALER_BY_1 } from '../../src/board/local-peripherals.js';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import { CNTPCT, CNTP_CTL, CNTP_CVAL } from '../../src/isa/system-registers.js';
import { r0, r1, r2, r3 } from '../../src/isa/registers.js';
import { bareGuest } from '../support/bare-guest.js';
import { handoverOf } from '../support/handover.js';

const LOCAL_SECURE_TIMER = 1;
const MS = 1e6;

/** A machine whose core 0 has its Secure timer's interrupt routed to it, set to a count, and sleeps. */
async function sleeper(count: number): Promise<BuiltInPi> {
  const guest = bareGuest((a) => {
    a.mov(r0, LOCAL_BASE);
    a.mov(r1, LOCAL_SECURE_TIMER);
    a.str(r1, [r0, 0x40]);
    a.movw(r2, count & 0xffff);
    a.movt(r2, count >>> 16);
    a.mov(r3, 0);
    a.mcrr(CNTP_CVAL, r2, r3);
    a.mcr(CNTP_CTL, r1);
    const again = a.label('again');
    a.at(again);
    a.wfi();
    a.add(r3, r3, 1);
    // Off: one interrupt.
    a.mov(r1, 0);
    a.mcr(CNTP_CTL, r1);
    a.b(again);
  });
  return createBuiltInPi(handoverOf([0, guest]), () => undefined);
}

const woken = ({ cpu }: BuiltInPi): number => cpu.cores[0]!.register(3);
const setPrescaler = (pi: BuiltInPi, value: number): void => {
  pi.board.bus.write(0, LOCAL_BASE + LOCAL_PRESCALER, 4, value);
};

test('the cores’ counters stand still until the local controller’s prescaler is set', async () => {
  const pi = await sleeper(19_200);
  pi.run(10 * MS);
  expect([pi.cpu.cores[0]!.system(CNTPCT), woken(pi)]).toEqual([0n, 0]);
  setPrescaler(pi, LOCAL_PRESCALER_BY_1);
  pi.run(10.999 * MS);
  expect(woken(pi)).toBe(0);
  pi.run(11.001 * MS);
  expect([pi.cpu.cores[0]!.system(CNTPCT), woken(pi)]).toEqual([19_219n, 1]);
});

test('who sleeps until a count wakes later where the timer is slowed down meanwhile', async () => {
  const pi = await sleeper(38_400);
  setPrescaler(pi, LOCAL_PRESCALER_BY_1);
  pi.run(1 * MS);
  // A quarter of the rate: the second millisecond's counts take four.
  setPrescaler(pi, LOCAL_PRESCALER_BY_1 / 4);
  pi.run(4.999 * MS);
  expect(woken(pi)).toBe(0);
  pi.run(5.001 * MS);
  expect(woken(pi)).toBe(1);
});
