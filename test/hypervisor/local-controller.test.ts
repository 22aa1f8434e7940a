/** What the host writes to the local controller (QA7) while guests have cores of their own, and what comes of it. */
import { expect, test } from 'vitest';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r4 } from '../../src/isa/registers.js';
import {
  LOCAL_BASE,
  LOCAL_PRESCALER_BY_1,
  LOCAL_REGISTERS as QA7,
} from '../../src/board/local-peripherals.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { guest, handoverOf, load, print, smallGuest, smallImage, spin } from './payloads.js';
import { ramView } from '../support/ram.js';

const MS = 1_000_000;
/** Where the host leaves what it reads, and its second core that it has come. */
const WORDS = 0x2000;
const CAME = 0x2800;
const [SET, CLR] = [QA7.MAILBOX_SET.offset, QA7.MAILBOX_CLR.offset];
const [TIMERS, MAILBOXES] = [QA7.TIMERS_ROUTING.offset, QA7.MAILBOXES_ROUTING.offset];
/** Bits of routing: FIQ of mailbox 1 and of the HYP timer are the hypervisor's line; IRQ of both on a guest's core. */
const [MAILBOX1_FIQ, CNTHP_FIQ, MAILBOX1_IRQ, CNTHP_IRQ] = [0x20, 0x40, 2, 4];
/** The guests' one. */
const CORE = 3;

const store = (a: Assembler, offset: number, value: number): void => {
  load(a, r0, LOCAL_BASE + offset);
  load(a, r1, value);
  a.str(r1, [r0]);
};

const idle = (a: Assembler): void => {
  const end = a.label('end');
  a.at(end);
  a.wfi();
  a.b(end);
};

/** A host that writes what it is told, then reads what it is told, then sends core 1 on its way as old kernels do. */
function writingHost(writes: readonly (readonly [number, number])[], reads: readonly number[]): Uint8Array {
  const a = assembler(0);
  const second = a.label('second');
  for (const [offset, value] of writes) store(a, offset, value);
  load(a, r4, WORDS);
  for (const [n, offset] of reads.entries()) {
    load(a, r0, LOCAL_BASE + offset);
    a.ldr(r1, [r0]);
    a.str(r1, [r4, 4 * n]);
  }
  a.adr(r1, second);
  load(a, r0, LOCAL_BASE + SET + 0x10 + 12);
  a.dsb();
  a.str(r1, [r0]);
  spin(a, r2, 20_000);
  idle(a);
  a.at(second);
  load(a, r0, CAME);
  a.mov(r1, 1);
  a.str(r1, [r0]);
  const end = a.label('end of the second');
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
}

/** Says a byte each few milliseconds. */
const talker = smallGuest((a) => {
  const again = a.label('again');
  a.at(again);
  load(a, r4, 2_000_000);
  const wait = a.label('wait');
  a.at(wait);
  a.subs(r4, r4, 1);
  a.bne(wait);
  print(a, '.');
  a.b(again);
});

async function hostThat(writes: readonly (readonly [number, number])[], reads: readonly number[]) {
  const image = smallImage(writingHost(writes, reads), [guest(talker)]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(60 * MS);
  const ram = ramView(pi.cpu);
  const word = (at: number): number => ram.getUint32(at, true);
  return { read: reads.map((_, n) => word(WORDS + 4 * n)), came: word(CAME) };
}

test('kernels that write the routing of all four cores have theirs, and their cores come (Linux 4.4, bcm2709)', async () => {
  const all = [0, 1, 2, 3].map((core): [number, number] => [MAILBOXES + 4 * core, 1]);
  const { read, came } = await hostThat(
    [...all, [TIMERS, 8], [TIMERS + 4 * CORE, 8]],
    [MAILBOXES, MAILBOXES + 4 * CORE, TIMERS, TIMERS + 4 * CORE],
  );
  expect(read).toEqual([1 | MAILBOX1_FIQ, MAILBOX1_IRQ, 8 | CNTHP_FIQ, CNTHP_IRQ]);
  expect(came).toBe(1);
});

test('mailboxes of the host’s cores are its own, but for the first; those of the guests’ core are not', async () => {
  const mailbox = (base: number, core: number, n: number): number => base + 16 * core + 4 * n;
  const { read } = await hostThat(
    [
      [mailbox(SET, 0, 0), 0xa5],
      [mailbox(CLR, 0, 0), 0x05],
      [mailbox(SET, 2, 2), 0x77],
      [mailbox(SET, 0, 1), 1],
      [mailbox(SET, CORE, 0), 1],
      [mailbox(SET, CORE, 3), 0x8000],
    ],
    [
      mailbox(CLR, 0, 0),
      mailbox(CLR, 2, 2),
      mailbox(CLR, 0, 1),
      mailbox(CLR, CORE, 0),
      mailbox(CLR, CORE, 3),
    ],
  );
  expect(read).toEqual([0xa0, 0x77, 0, 0, 0]);
});

test('the GPU’s interrupts and the local timer’s go to cores of the host’s alone, and the counter’s rate stays', async () => {
  const { GPU_ROUTING, LOCAL_INT_ROUTING, CONTROL, PRESCALER } = QA7;
  const { read } = await hostThat(
    [
      [GPU_ROUTING.offset, 1],
      [GPU_ROUTING.offset, CORE],
      [GPU_ROUTING.offset, CORE << 2],
      [LOCAL_INT_ROUTING.offset, 2],
      [LOCAL_INT_ROUTING.offset, CORE],
      [CONTROL.offset, 0x100],
      [PRESCALER.offset, 0x1000],
      // Behind the registers a board may show them again.
      [0x100 + MAILBOXES + 4 * CORE, 1],
    ],
    [GPU_ROUTING.offset, LOCAL_INT_ROUTING.offset, CONTROL.offset, PRESCALER.offset, MAILBOXES + 4 * CORE],
  );
  expect(read).toEqual([1, 2, 0, LOCAL_PRESCALER_BY_1, MAILBOX1_IRQ]);
});
