/** Instructions that trap, and what a guest sees of them. */
import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { pc, r0, r1, r2, r3, r4, r5, r6, r7, r8 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { GuestPlan } from '../../src/hypervisor/image/image.js';
import {
  guest,
  GICC,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  load,
  quietHost,
  smallGuest,
  smallImage,
  spin,
} from './payloads.js';
import { steadyCounter } from '../support/counter.js';
import { ramView } from '../support/ram.js';

/** The system counter of these machines, so much faster than the board's: a slice is 50 µs of virtual time. */
const COUNTER = 1_920_000_000;
const RESULTS = 0x4000;

/** Runs guests on one core; gives a way to read words of their memory. */
async function run(...kernels: readonly Uint8Array[]): Promise<(guest: number, n: number) => number> {
  return runGuests(kernels.map((it) => guest(it)));
}
async function runGuests(guests: readonly GuestPlan[]): Promise<(guest: number, n: number) => number> {
  const image = smallImage(quietHost, guests);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  Object.assign(pi.cpu.machine, { counter: steadyCounter(COUNTER) });
  pi.run(2_500_000);
  const view = ramView(pi.cpu);
  return (number, n) => view.getUint32(image.guestMemory[number]! + RESULTS + 4 * n, true);
}

/** Counts how often it has done something, with VFP and NEON switched on. */
function counting(does: (a: Assembler) => void): Uint8Array {
  return smallGuest((a) => {
    const again = a.label('again');
    a.mov(r0, 0xf << 20);
    a.mcr(reg.CPACR, r0);
    a.isb();
    load(a, r0, 0x4000_0000);
    a.vmsr('FPEXC', r0);
    load(a, r4, GUEST_RAM + RESULTS);
    a.mov(r5, 0);
    a.at(again);
    does(a);
    a.add(r5, r5, 1);
    a.str(r5, [r4]);
    spin(a, r1, 1000);
    a.b(again);
  });
}

// HSR says TA and no coprocessor for what only NEON has: a guest got an Undefined Instruction exception for the first
// such instruction after another guest had used these registers.
test.each([
  ['VADD.I32 Q0, Q0, Q1', 0xf220_0842],
  ['VADD.F64 D0, D0, D1', 0xee30_0b01],
])('two guests that use the registers of VFP and NEON by nothing but %s', async (_, word) => {
  const adds = counting((a) => {
    a.word(word);
  });
  const result = await run(adds, adds);
  // A slice is some 25 rounds.
  for (const number of [0, 1]) expect(result(number, 0)).toBeGreaterThan(200);
});

describe('a guest that is big-endian', () => {
  // What LDR and STR of each size give and take there: the bytes of a little-endian device, the other way round.
  test('sees the bytes of devices in their order', async () => {
    const bigEndian = smallGuest((a) => {
      load(a, r4, GUEST_RAM + RESULTS);
      load(a, r6, GUEST_UART);
      load(a, r7, GICC);
      a.setend('BE');
      // UARTIBRD and UARTFBRD, by a halfword and a byte; GICC_PMR by a word, through a low and a high register.
      load(a, r0, 0x3412);
      a.strh(r0, [r6, 0x24]);
      a.mov(r0, 0x25);
      a.strb(r0, [r6, 0x28]);
      load(a, r0, 0xa000_0000);
      a.str(r0, [r7, 4]);
      a.ldr(r1, [r7, 4]);
      a.ldr(r8, [r7, 4]);
      a.ldrh(r5, [r6, 0x24]);
      a.setend('LE');
      a.str(r1, [r4], 4);
      a.str(r8, [r4], 4);
      a.str(r5, [r4], 4);
      for (const offset of [0x24, 0x28]) {
        a.ldr(r0, [r6, offset]);
        a.str(r0, [r4], 4);
      }
      a.ldr(r0, [r7, 4]);
      a.str(r0, [r4], 4);
      // Sign-extended, after the bytes are in their order: 0x80ff is 0xff80 there.
      load(a, r0, 0xff80);
      a.strh(r0, [r6, 0x24]);
      a.setend('BE');
      a.ldrsh(r5, [r6, 0x24]);
      a.setend('LE');
      a.str(r5, [r4], 4);
    });
    const result = await run(bigEndian);
    expect(Array.from({ length: 7 }, (_, n) => result(0, n).toString(16))).toEqual(
      [0xa000_0000, 0xa000_0000, 0x3412, 0x1234, 0x25, 0xa0, 0xffff_80ff].map((it) => it.toString(16)),
    );
  });
});

// The syndrome says how long an instruction is, and the IT block goes on behind it.
test('a guest in T32 goes on behind what trapped, in IT blocks too', async () => {
  const inT32 = smallGuest((a) => {
    load(a, r4, GUEST_RAM + RESULTS);
    load(a, r1, GUEST_UART);
    a.mov(r2, 0);
    a.mov(r3, 0);
    a.mov(r5, 0x21);
    a.add(r0, pc, 1);
    a.bx(r0);
    // cmp r5, r5; itttt eq; streq r5, [r1, 0x24]; ldreq r2, [r1, 0x24]; ldrheq.w r3, [r1, 0x24]; addeq r3, 1;
    // ite ne; strne r1, [r1, 0x28]; streq r3, [r1, 0x28]; ldr r0, [r1, 0x28]; str r0, [r4]; str r2, [r4, 4]; b .
    a.word(0xbf01_42ad, 0x6a4a_624d, 0x3024_f8b1, 0xbf14_3301, 0x628b_6289, 0x6020_6a88, 0xe7fe_6062);
  });
  const result = await run(inT32);
  expect([result(0, 0), result(0, 1)]).toEqual([0x22, 0x21]);
});

// Whoever waits for an event has looked at memory before: an event between the two must not be another guest's.
test('an event is not lost to the guest that has the core when it is sent', async () => {
  const [DONE, SENT] = [0, 4];
  const microseconds = (n: number): number => (n * COUNTER) / 1_000_000;
  /** Goes on when so much of the machine's time has gone by; R1 and R2 change. */
  const until = (a: Assembler, n: number, does?: () => void): void => {
    const again = a.label('again');
    load(a, r0, microseconds(n));
    a.at(again);
    does?.();
    a.mrrc(reg.CNTVCT, r1, r2);
    a.cmp(r1, r0);
    a.blo(again);
  };
  const forEver = (a: Assembler): void => {
    const end = a.label('end');
    a.at(end);
    a.wfi();
    a.b(end);
  };
  const pair = smallGuest((a) => {
    const second = a.label('second');
    a.mov(r3, 0);
    a.adr(r2, second);
    a.mov(r1, 1);
    load(a, r0, CPU_ON);
    a.hvc(0);
    load(a, r4, GUEST_RAM + RESULTS);
    until(a, 200);
    a.mov(r5, 1);
    a.str(r5, [r4, SENT]);
    a.dsb();
    a.sev();
    forEver(a);
    a.at(second);
    load(a, r4, GUEST_RAM + RESULTS);
    // It has looked, and is about to wait.
    a.ldr(r6, [r4, SENT]);
    until(a, 600);
    a.cmp(r6, 0);
    a.wfeeq();
    a.mov(r5, 1);
    a.add(r5, r5, r6);
    a.str(r5, [r4, DONE]);
    forEver(a);
  });
  // It takes every event there is, and then leaves the core to the other.
  const other = smallGuest((a) => {
    until(a, 400, () => {
      a.wfe();
    });
    forEver(a);
  });
  const result = await runGuests([guest(pair, { cores: [2, 3] }), guest(other)]);
  expect([result(0, 0), result(0, 1)]).toEqual([1, 1]);
});
const CPU_ON = 0x8400_0003;
