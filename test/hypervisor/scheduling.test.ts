/** Who runs when: how soon a guest that sleeps answers, what each has of a core, and that the host is never delayed. */
import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { lr, lsl, pc, r0, r1, r2, r3, r4, r6, r7, r8, r9 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { CRYSTAL_HZ } from '../../src/board/bcm2836.js';
import { LOCAL_BASE, LOCAL_REGISTERS, LOCAL_SOURCE } from '../../src/board/local-peripherals.js';
import { PL011_REGISTERS } from '../../src/board/pl011.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { GuestPlan } from '../../src/hypervisor/image/image.js';
import { guestInterrupt } from '../../src/hypervisor/shared/guest-machine.js';
import { NEAR_UARTS } from '../../src/hypervisor/shared/layout.js';
import {
  GICC,
  GICC_EOIR,
  GICC_IAR,
  GICC_PMR,
  GICD,
  guest,
  GUEST_KERNEL,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  load,
  quietHost,
  smallGuest,
  smallImage,
  spin,
} from './payloads.js';
import { watchWorlds } from './worlds.js';
import { ramView } from '../support/ram.js';

const NS_PER_MS = 1_000_000;
const TICKS_PER_MS = CRYSTAL_HZ / 1000;
const CORE = 3;
const { CR, FR, IMSC } = PL011_REGISTERS;
const RECEIVING = CR.bits.UARTEN | CR.bits.TXE | CR.bits.RXE;
const UART_INTERRUPT = guestInterrupt('UART');
const TIMER_INTERRUPT = guestInterrupt('VIRTUAL_TIMER');
// IHI 0048B, 4.3.
const [ISENABLER, ITARGETSR, SGIR] = [0x100, 0x800, 0xf00];
const [PSCI_CPU_ON, PSCI_SYSTEM_RESET] = [0x8400_0003, 0x8400_0009];

function writeWord(a: Assembler, address: number, value: number): void {
  load(a, r3, address);
  load(a, r1, value);
  a.str(r1, [r3]);
}

/** Lets an interrupt come. Changes R1 and R3. */
function enable(a: Assembler, interrupt: number): void {
  writeWord(a, GICD, 1);
  writeWord(a, GICD + ISENABLER + 4 * (interrupt >>> 5), 1 << (interrupt & 31));
  if (interrupt >= 32) {
    load(a, r3, GICD + ITARGETSR + interrupt);
    a.mov(r1, 1);
    a.strb(r1, [r3]);
  }
  writeWord(a, GICC + GICC_PMR, 0xf0);
  writeWord(a, GICC, 1);
}

function setTimer(a: Assembler, ticks: number): void {
  load(a, r0, ticks);
  a.mcr(reg.CNTV_TVAL, r0);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
}

/** Takes an interrupt, does something about it, and ends it. */
function handle(a: Assembler, what: () => void): void {
  load(a, r3, GICC);
  a.ldr(r2, [r3, GICC_IAR]);
  what();
  a.str(r2, [r3, GICC_EOIR]);
  a.subs(pc, lr, 4);
}

function forEver(a: Assembler, what: () => void): void {
  const again = a.label('again');
  a.at(again);
  what();
  a.b(again);
}

/** Has something done about the next interrupt and sleeps until that has come, with interrupts masked meanwhile: none is lost. */
function asleep(a: Assembler, what: () => void): void {
  a.cpsid('i');
  what();
  a.wfi();
  a.cpsie('i');
  a.nop();
}

/** Answers each byte with the same, and sleeps. */
const answering = smallGuest(
  (a) => {
    enable(a, UART_INTERRUPT);
    writeWord(a, GUEST_UART + CR.offset, RECEIVING);
    writeWord(a, GUEST_UART + IMSC.offset, IMSC.bits.RX | IMSC.bits.RT);
    a.cpsie('i');
    forEver(a, () => {
      a.wfi();
    });
  },
  (a) => {
    handle(a, () => {
      load(a, r0, GUEST_UART);
      a.ldr(r1, [r0]);
      a.str(r1, [r0]);
    });
  },
);

const spinning = smallGuest((a) => {
  forEver(a, () => undefined);
});

/** Never sleeps, and takes its timer's interrupt each millisecond. */
const ticking = smallGuest(
  (a) => {
    enable(a, TIMER_INTERRUPT);
    setTimer(a, TICKS_PER_MS);
    a.cpsie('i');
    forEver(a, () => {
      a.nop();
    });
  },
  (a) => {
    handle(a, () => {
      setTimer(a, TICKS_PER_MS);
    });
  },
);

/** Ticks after which a guest wakes that has just gone to sleep: 2 µs. */
const SOON = 2e-3 * TICKS_PER_MS;

/** Works for so many microseconds, then sleeps until its timer wakes it after so many ticks; and so on. */
const waking = (microseconds: number, ticks: number): Uint8Array =>
  smallGuest(
    (a) => {
      enable(a, TIMER_INTERRUPT);
      forEver(a, () => {
        spin(a, r6, microseconds * 500);
        asleep(a, () => {
          setTimer(a, ticks);
        });
      });
    },
    (a) => {
      handle(a, () => {
        a.mov(r1, 0);
        a.mcr(reg.CNTV_CTL, r1);
      });
    },
  );

/** Has the host sleep; its timer's line is not the guests'. Changes R0 to R2. */
function sleep(a: Assembler, ticks: number): void {
  const wait = a.label('wait');
  setTimer(a, ticks);
  a.at(wait);
  a.wfi();
  a.mrc(reg.CNTV_CTL, r0);
  a.tst(r0, 4);
  a.beq(wait);
}

/** Where the host notes counts. */
const FOUND = 0x2000;
/** A near end that is opened shows nothing for 250 ms. */
const OPEN_MS = 300;
const ASKED = 40;
/** So that each question comes at another time of a slice, of 5 ms; and later than a near end's pause of 1 ms. */
const PAUSE = 3.7 * TICKS_PER_MS;

/** Asks a guest, 40 times, and notes after how many ticks the answer stood in the console's near end. */
function askingHost(console: number): Uint8Array {
  const a = assembler(0);
  load(a, r0, LOCAL_BASE + LOCAL_REGISTERS.TIMERS_ROUTING.offset);
  a.ldr(r1, [r0]);
  a.orr(r1, r1, LOCAL_SOURCE.CNTVIRQ);
  a.str(r1, [r0]);
  load(a, r3, NEAR_UARTS + 0x1000 * console);
  load(a, r0, RECEIVING);
  a.str(r0, [r3, CR.offset]);
  sleep(a, OPEN_MS * TICKS_PER_MS);
  load(a, r9, FOUND);
  a.mov(r4, ASKED);
  const [ask, wait] = [a.label('ask'), a.label('wait')];
  a.at(ask);
  sleep(a, PAUSE);
  a.mrrc(reg.CNTPCT, r6, r7);
  a.str(r4, [r3]);
  a.at(wait);
  a.ldr(r0, [r3, FR.offset]);
  a.tst(r0, FR.bits.RXFE);
  a.bne(wait);
  a.mrrc(reg.CNTPCT, r8, r7);
  a.ldr(r0, [r3]);
  a.cmp(r0, r4);
  a.subeq(r8, r8, r6);
  a.mvnne(r8, 0);
  a.str(r8, [r9], 4);
  a.subs(r4, r4, 1);
  a.bne(ask);
  forEver(a, () => {
    a.wfi();
  });
  return a.assemble();
}

/** The milliseconds after which answers came beside others on the guest's core. */
async function answers(others: readonly Uint8Array[]): Promise<number[]> {
  const guests = [answering, ...others].map((kernel) => guest(kernel));
  const pi = await createBuiltInPi(handoverOf(smallImage(askingHost(1), guests)), () => undefined);
  const view = ramView(pi.cpu);
  const last = FOUND + 4 * (ASKED - 1);
  view.setUint32(last, 0, true);
  const until = OPEN_MS + 100 * ASKED;
  for (let ms = OPEN_MS; ms < until && view.getUint32(last, true) === 0; ms += 10) {
    pi.run(ms * NS_PER_MS);
    await Promise.resolve();
  }
  return Array.from({ length: ASKED }, (_, n) => view.getUint32(FOUND + 4 * n, true) / TICKS_PER_MS);
}

const SIX = Array.from({ length: 6 });

describe('a guest that sleeps answers', { timeout: 120_000 }, () => {
  test.each([
    ['alone', []],
    ['beside six that never sleep', SIX.map((_, n) => (n % 2 === 0 ? spinning : ticking))],
    ['beside six that wake without end', SIX.map((_, n) => waking(50 * n + 1, SOON))],
  ])('%s', async (_, others) => {
    const all = await answers(others);
    expect(Math.max(...all)).toBeLessThan(0.1);
  });
});

/** What each guest has of a core over some milliseconds, of all the instructions that there was time for. */
async function shares(guests: readonly GuestPlan[], span = 1000): Promise<number[]> {
  const worlds = watchWorlds();
  const pi = await createBuiltInPi(handoverOf(smallImage(quietHost, guests)), () => undefined, [
    worlds.observe,
  ]);
  const had = (): number[] => guests.map((_, n) => worlds.instructions(CORE, n + 1));
  // Their memory is made by then, and all of them have had a turn.
  const [from, to] = [100, 100 + span];
  pi.run(from * NS_PER_MS);
  const before = had();
  for (let ms = from; ms < to; ms += 10) {
    pi.run((ms + 10) * NS_PER_MS);
    await Promise.resolve();
  }
  expect(worlds.wrong).toEqual([]);
  return had().map((all, n) => (all - before[n]!) / ((to - from) * NS_PER_MS));
}

/** Two CPUs that work for 20 µs, send each other an interrupt, and sleep until the other has sent one. */
const wakingEachOther = smallGuest(
  (a) => {
    const both = a.label('both');
    load(a, r0, PSCI_CPU_ON);
    a.mov(r1, 1);
    a.adr(r2, both);
    a.mov(r3, 0);
    a.hvc(0);
    a.at(both);
    load(a, r0, GUEST_RAM + GUEST_KERNEL);
    a.mcr(reg.VBAR, r0);
    enable(a, 0);
    a.mrc(reg.MPIDR, r4);
    a.and(r4, r4, 1);
    a.eor(r4, r4, 1);
    a.mov(r2, 1);
    a.lsl(r4, r2, r4);
    a.lsl(r4, r4, 16);
    load(a, r6, GICD);
    forEver(a, () => {
      spin(a, r7, 10_000);
      asleep(a, () => {
        a.str(r4, [r6, SGIR]);
      });
    });
  },
  (a) => {
    handle(a, () => undefined);
  },
);

describe('over a second', { timeout: 120_000 }, () => {
  test('those that never sleep have the same each, beside one that mostly does', async () => {
    const all = await shares(
      [spinning, ticking, spinning, waking(10, 100 * TICKS_PER_MS)].map((it) => guest(it)),
    );
    expect(all[3]).toBeLessThan(0.001);
    for (const share of all.slice(0, 3)) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.004);
  });

  test('one that sleeps now and then has what it asks for, up to its share', async () => {
    // A tenth; then half, where there is a third for it.
    for (const [works, asked] of [
      [200, 0.1],
      [1800, 1 / 3],
    ] as const) {
      const all = await shares(
        [waking(works, 1.8 * TICKS_PER_MS), spinning, spinning].map((it) => guest(it)),
      );
      expect(Math.abs(all[0]! - asked)).toBeLessThan(0.02);
      for (const share of all.slice(1)) expect(Math.abs(share - (1 - all[0]!) / 2)).toBeLessThan(0.01);
    }
  });

  test.each([
    ['at once', 5],
    ['after work', 300],
    ['just before its slice is over', 4900],
  ])('one that wakes itself without end, %s, has no more than its share', async (_, works) => {
    const all = await shares([waking(works, SOON), spinning, spinning, spinning].map((it) => guest(it)));
    expect(all[0]).toBeLessThan(0.25);
    // Not less than beside another that never sleeps, and which has its quarter then.
    const [, ...beside] = await shares([spinning, spinning, spinning, spinning].map((it) => guest(it)));
    all.slice(1).forEach((share, n) => {
      expect(share).toBeGreaterThan(beside[n]! - 0.002);
    });
  });

  test('two CPUs of one guest that wake each other without end have no more than their shares', async () => {
    const guests = [
      guest(wakingEachOther, { cores: [2, CORE] }),
      guest(spinning, { cores: [2] }),
      guest(spinning),
    ];
    const all = await shares(guests, 200);
    expect(all[0]).toBeGreaterThan(0.1);
    expect(all[0]).toBeLessThan(0.5);
    expect(all[2]).toBeGreaterThan(0.49);
  });
});

/** Where two CPUs say whose turn it is, by number, and count how often that was theirs, a word each. */
const TURN = GUEST_RAM + 0x4000;

/** Two CPUs that hand something to each other: each waits by WFE until it has it, works for 20 µs, and hands it on. */
const handing = smallGuest((a) => {
  const both = a.label('both');
  load(a, r0, PSCI_CPU_ON);
  a.mov(r1, 1);
  a.adr(r2, both);
  a.mov(r3, 0);
  a.hvc(0);
  a.at(both);
  a.mrc(reg.MPIDR, r4);
  a.and(r4, r4, 1);
  a.eor(r7, r4, 1);
  load(a, r6, TURN);
  a.add(r8, r6, 4);
  a.add(r8, r8, r4, lsl(2));
  a.mov(r9, 0);
  forEver(a, () => {
    const [look, mine] = [a.label('look'), a.label('mine')];
    a.at(look);
    a.ldr(r0, [r6]);
    a.cmp(r0, r4);
    a.beq(mine);
    a.wfe();
    a.b(look);
    a.at(mine);
    spin(a, r0, 10_000);
    a.add(r9, r9, 1);
    a.str(r9, [r8]);
    a.str(r7, [r6]);
    a.dsb();
    a.sev();
  });
});

describe('two CPUs of a guest on one core that wait for each other by WFE', { timeout: 120_000 }, () => {
  /** How often each had its turn in some milliseconds, and what the guests had of the core. */
  const run = async (beside: readonly Uint8Array[], ms: number) => {
    const guests = [guest(handing, { cores: [CORE, CORE] }), ...beside.map((kernel) => guest(kernel))];
    const image = smallImage(quietHost, guests);
    const worlds = watchWorlds();
    const pi = await createBuiltInPi(handoverOf(image), () => undefined, [worlds.observe]);
    const view = ramView(pi.cpu);
    const counts = (): number[] =>
      [4, 8].map((at) => view.getUint32(image.guestMemory[0]! + TURN - GUEST_RAM + at, true));
    pi.run(20 * NS_PER_MS);
    const [before, had] = [counts(), guests.map((_, n) => worlds.instructions(CORE, n + 1))];
    pi.run((20 + ms) * NS_PER_MS);
    expect(worlds.wrong).toEqual([]);
    return {
      turns: counts().map((count, n) => count - before[n]!),
      shares: had.map((all, n) => (worlds.instructions(CORE, n + 1) - all) / (ms * NS_PER_MS)),
    };
  };

  test('do not wait for the ends of their slices', async () => {
    const MS = 20;
    const { turns } = await run([], MS);
    // A slice each for one turn would be four.
    for (const count of turns) expect(count).toBeGreaterThan(20 * MS);
  });

  test('have no more than their two shares', async () => {
    const MS = 150;
    const { turns, shares } = await run([spinning], MS);
    for (const count of turns) expect(count).toBeGreaterThan(5 * MS);
    // As beside two that never sleep.
    expect(shares[1]).toBeGreaterThan(1 / 3 - 0.01);
  });
});

/** Asks for a reset of its machine at once. */
const rebooting = smallGuest((a) => {
  load(a, r0, PSCI_SYSTEM_RESET);
  a.hvc(0);
});

/** Has no vectors when it first needs them. */
const panicking = smallGuest((a) => {
  load(a, r0, 0xf000_0000);
  a.mcr(reg.VBAR, r0);
  a.udf(0);
});

/** Writes to its console without end. */
const talking = smallGuest((a) => {
  load(a, r0, GUEST_UART);
  forEver(a, () => {
    a.str(r1, [r0]);
  });
});

describe('a loop of the host', () => {
  const ROUNDS = 10_000_000;
  const RUN_MS = 50;
  /** Notes what CNTPCT says before a loop and after it. */
  const host = ((): Uint8Array => {
    const a = assembler(0);
    load(a, r9, FOUND);
    // The guests have begun by then.
    spin(a, r4, 5 * NS_PER_MS);
    a.mrrc(reg.CNTPCT, r6, r7);
    spin(a, r4, ROUNDS);
    a.mrrc(reg.CNTPCT, r8, r7);
    a.sub(r8, r8, r6);
    a.str(r8, [r9]);
    forEver(a, () => {
      a.wfi();
    });
    return a.assemble();
  })();
  const took = async (guests: readonly GuestPlan[]): Promise<number> => {
    const worlds = watchWorlds();
    const image = smallImage(host, guests);
    const pi = await createBuiltInPi(handoverOf(image), () => undefined, [worlds.observe]);
    ramView(pi.cpu).setUint32(FOUND, 0, true);
    for (let ms = 1; ms <= RUN_MS; ms++) {
      pi.run(ms * NS_PER_MS);
      await Promise.resolve();
    }
    expect(worlds.wrong).toEqual([]);
    return ramView(pi.cpu).getUint32(FOUND, true);
  };

  test('takes as long beside guests that spin, flood, panic and reboot as alone', async () => {
    const alone = await took([
      guest(
        smallGuest((a) => {
          forEver(a, () => {
            a.wfi();
          });
        }),
      ),
    ]);
    expect(alone / TICKS_PER_MS).toBeCloseTo((2 * ROUNDS) / NS_PER_MS, 1);
    const all = [spinning, rebooting, panicking, waking(1, SOON)].map((it) => guest(it));
    const beside = await took([
      guest(wakingEachOther, { cores: [1, 2] }),
      guest(talking, { cores: [2] }),
      ...all,
    ]);
    // The machine's cores have their turns one after the other, of 5 µs.
    expect(Math.abs(beside - alone)).toBeLessThan(5e-3 * TICKS_PER_MS);
  }, 120_000);
});
