/** What the host does with the machine that is its own, beside the hypervisor. */
import { describe, expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { pc, lr, r0, r1, r2, r3, r4, r8, r9, r10 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { LOCAL_BASE, LOCAL_REGISTERS } from '../../src/board/local-peripherals.js';
import { PASSWORD, POWER_REGISTERS } from '../../src/board/power.js';
import { bits } from '../../src/isa/bits.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { NEAR_UARTS } from '../../src/hypervisor/shared/layout.js';
import { consoleText, guest, handoverOf, load, print, smallGuest, smallImage, spin } from './payloads.js';
import { ramView } from '../support/ram.js';

const MS = 1_000_000;
const HOST_FIQS = 0x2000;
const HOST_IRQS = 0x2004;
const HOST_WORDS = 0x2010;
const SYSTEM_TIMER = 0x3f00_3000;
const CONTROLLER = 0x3f00_b200;
const FIQ_CONTROL = 0xc;
const FIQ_ENABLE = 1 << 7;
const HCR_FMO = bits(reg.HCR, { FMO: 1 });

const idle = Uint8Array.of(0xfe, 0xff, 0xff, 0xea);

const word = ({ cpu }: BuiltInPi, at: number): number => ramView(cpu).getUint32(at, true);

/** How the host spends its time between FIQs. */
type Between = 'waits' | 'looks round' | 'routes';
/** With so many FIQs behind it, a host that routes waits, too. */
const ROUTED = 60;
const ROUTINGS = [LOCAL_REGISTERS.TIMERS_ROUTING, LOCAL_REGISTERS.MAILBOXES_ROUTING];

/**
 * Has the system timer's interrupt 1 as FIQ, each 100 µs, as often as asked for. One that routes reads core 0's routing
 * registers and writes them back as they were, with time for an FIQ between.
 */
function fiqHost(times: number, between: Between): Uint8Array {
  const a = assembler(0);
  const [start, fiq, irq] = [a.label('start'), a.label('fiq'), a.label('irq')];
  const [table, main] = [a.label('table'), a.label('main')];
  a.b(start);
  for (let i = 1; i < 8; i++) a.nop();
  a.at(table);
  for (let i = 0; i < 6; i++) a.word(0xeaff_fffe);
  a.b(irq);
  a.at(fiq);
  load(a, r8, HOST_FIQS);
  a.ldr(r9, [r8]);
  a.add(r9, r9, 1);
  a.str(r9, [r8]);
  a.cmp(r9, times);
  load(a, r8, SYSTEM_TIMER);
  a.ldr(r10, [r8, 4]);
  a.add(r10, r10, 100);
  a.strlt(r10, [r8, 0x10]);
  a.mov(r9, 1 << 1);
  a.str(r9, [r8]);
  a.subs(pc, lr, 4);
  // The console's, which it then keeps from interrupting.
  a.at(irq);
  load(a, r0, HOST_IRQS);
  a.ldr(r1, [r0]);
  a.add(r1, r1, 1);
  a.str(r1, [r0]);
  load(a, r0, NEAR_UARTS + 0x1000);
  a.mov(r1, 0);
  a.str(r1, [r0, 0x38]);
  a.subs(pc, lr, 4);
  a.at(start);
  a.adr(r0, table);
  a.mcr(reg.VBAR, r0);
  load(a, r0, HOST_FIQS);
  a.mov(r1, 0);
  a.str(r1, [r0]);
  a.str(r1, [r0, HOST_IRQS - HOST_FIQS]);
  load(a, r3, NEAR_UARTS + 0x1000);
  load(a, r1, 0x301);
  a.str(r1, [r3, 0x30]);
  a.mov(r1, 0x50);
  a.str(r1, [r3, 0x38]);
  load(a, r0, CONTROLLER);
  a.mov(r1, 1 << 28);
  a.str(r1, [r0, 0x14]);
  a.mov(r1, FIQ_ENABLE | 1);
  a.str(r1, [r0, FIQ_CONTROL]);
  load(a, r0, SYSTEM_TIMER);
  a.ldr(r1, [r0, 4]);
  a.add(r1, r1, 100);
  a.str(r1, [r0, 0x10]);
  a.cpsie('if');
  a.at(main);
  if (between === 'routes') {
    const wait = a.label('wait');
    for (const { offset } of ROUTINGS) {
      load(a, r0, LOCAL_BASE + offset);
      a.ldr(r1, [r0]);
      spin(a, r2, 40_000);
      a.str(r1, [r0]);
    }
    load(a, r0, HOST_FIQS);
    a.ldr(r1, [r0]);
    a.cmp(r1, ROUTED);
    a.blo(main);
    a.at(wait);
    a.wfi();
    a.b(wait);
  }
  if (between === 'waits') a.wfi();
  a.b(main);
  return a.assemble();
}

describe('FIQs of the host', () => {
  const talker = smallGuest((a) => {
    const [again, end] = [a.label('again'), a.label('end')];
    load(a, r4, 1_000_000);
    a.at(again);
    a.subs(r4, r4, 1);
    a.bne(again);
    print(a, 'x');
    a.at(end);
    a.wfi();
    a.b(end);
  });

  test('come to it all, and the hypervisor has its line again when it goes idle', async () => {
    const pi = await createBuiltInPi(
      handoverOf(smallImage(fiqHost(0xc00, 'waits'), [guest(talker)])),
      () => undefined,
    );
    pi.run(15 * MS);
    const some = word(pi, HOST_FIQS);
    expect(some).toBeGreaterThan(50);
    expect(some).toBeLessThan(200);
    expect(word(pi, HOST_IRQS)).toBe(0);
    // Among them, 250 ms after the host has opened it, a console has something to say: that comes on the line.
    pi.run(280 * MS);
    expect(word(pi, HOST_FIQS)).toBeLessThan(0xc00);
    expect(word(pi, HOST_IRQS)).toBe(1);
    pi.run(360 * MS);
    expect(word(pi, HOST_FIQS)).toBe(0xc00);
    expect(pi.cpu.machine.cores[0]!.HCR & HCR_FMO).toBe(HCR_FMO);
  });

  test('come to one that never goes idle, too', async () => {
    const pi = await createBuiltInPi(
      handoverOf(smallImage(fiqHost(50, 'looks round'), [guest(talker)])),
      () => undefined,
    );
    pi.run(20 * MS);
    expect(word(pi, HOST_FIQS)).toBe(50);
  });

  test('are its own alone where it writes back the routing that it read before the first of them', async () => {
    const image = smallImage(fiqHost(ROUTED + 20, 'routes'), [guest(talker)]);
    const pi = await createBuiltInPi(handoverOf(image), () => undefined);
    // The guest has said something by then, for which the hypervisor wants its line.
    pi.run(8 * MS);
    expect(consoleText(image, pi.cpu.memory.observe(), 0)).toBe('x');
    expect(word(pi, HOST_FIQS)).toBeGreaterThan(ROUTED);
    expect(word(pi, HOST_FIQS)).toBeLessThan(ROUTED + 20);
    expect(word(pi, HOST_IRQS)).toBe(0);
    // Idle, it is told.
    pi.run(280 * MS);
    expect(word(pi, HOST_FIQS)).toBe(ROUTED + 20);
    expect(word(pi, HOST_IRQS)).toBe(1);
  });
});

test('the host’s SMC is UNDEFINED, and its HVC is answered: not supported', async () => {
  const a = assembler(0);
  const start = a.label('start');
  const table = a.label('table');
  const onUndefined = a.label('undefined');
  const end = a.label('end');
  a.b(start);
  for (let i = 1; i < 8; i++) a.nop();
  a.at(table);
  a.word(0xeaff_fffe);
  a.b(onUndefined);
  for (let i = 2; i < 8; i++) a.word(0xeaff_fffe);
  a.at(onUndefined);
  a.mov(r2, 0x77);
  a.movs(pc, lr);
  a.at(start);
  a.adr(r0, table);
  a.mcr(reg.VBAR, r0);
  load(a, r4, HOST_WORDS);
  a.mov(r2, 0);
  a.smc(0);
  load(a, r0, 0x8400_0008);
  a.hvc(0);
  a.stm(r4, [r0, r2]);
  a.at(end);
  a.wfi();
  a.b(end);
  const pi = await createBuiltInPi(handoverOf(smallImage(a.assemble(), [guest(idle)])), () => undefined);
  pi.run(5 * MS);
  expect([word(pi, HOST_WORDS), word(pi, HOST_WORDS + 4)]).toEqual([0xffff_ffff, 0x77]);
});

test('the host’s reset takes all down', async () => {
  const a = assembler(0);
  const end = a.label('end');
  const { RSTC, WDOG } = POWER_REGISTERS;
  load(a, r0, 0x3f10_0000);
  load(a, r1, PASSWORD.value | 0x400);
  // In 1024 / 65536 s.
  a.str(r1, [r0, WDOG.offset]);
  // WRCFG: a full reset.
  load(a, r1, PASSWORD.value | 0x20);
  a.str(r1, [r0, RSTC.offset]);
  a.at(end);
  a.b(end);
  const busy = smallGuest((g) => {
    const again = g.label('again');
    g.at(again);
    g.b(again);
  });
  const image = smallImage(a.assemble(), [guest(busy), guest(busy)]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(10 * MS);
  expect(pi.ending).toBeUndefined();
  pi.run(30 * MS);
  expect(consoleText(image, pi.cpu.memory.observe(), -1).match(/started/g)).toHaveLength(2);
  expect(pi.ending).toBe("the card's system reset the board");
});
