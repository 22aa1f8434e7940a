/** The guests' interrupt controller against the GICv2 specification (Arm IHI 0048B), by section. */
import { beforeEach, describe, expect, test } from 'vitest';
import { GICC, GICD } from '../payloads.js';
import type { Machine } from './machine.js';
import { createMachine } from './machine.js';

// Offsets (tables 4-1 and 4-2).
const D = {
  CTLR: 0x000,
  TYPER: 0x004,
  IGROUPR: 0x080,
  ISENABLER: 0x100,
  ICENABLER: 0x180,
  ISPENDR: 0x200,
  ICPENDR: 0x280,
  ISACTIVER: 0x300,
  ICACTIVER: 0x380,
  IPRIORITYR: 0x400,
  ITARGETSR: 0x800,
  ICFGR: 0xc00,
  SGIR: 0xf00,
  ICPIDR2: 0xfe8,
} as const;
const C = {
  CTLR: 0x00,
  PMR: 0x04,
  BPR: 0x08,
  IAR: 0x0c,
  EOIR: 0x10,
  RPR: 0x14,
  HPPIR: 0x18,
  DIR: 0x1000,
} as const;
const SPURIOUS = 1023;
const PHYSICAL_TIMER = 30;
const IDLE = 0xff;
const EOIMODE = 1 << 9;
/** SGIR: to the CPUs of a list, to all others, to oneself. */
const TO = (cpus: number, id: number): number => (cpus << 16) | id;
const TO_OTHERS = 1 << 24;
const TO_SELF = 2 << 24;
/** A guest of two CPUs: their cores. */
const [FIRST, SECOND] = [1, 2];

let machine: Machine;
const readD = (offset: number, core = FIRST, size = 4): number => machine.load(core, GICD + offset, size);
const writeD = (offset: number, value: number, core = FIRST, size = 4): void => {
  machine.store(core, GICD + offset, value, size);
};
const readC = (offset: number, core = FIRST): number => machine.load(core, GICC + offset);
const writeC = (offset: number, value: number, core = FIRST): void => {
  machine.store(core, GICC + offset, value);
};
const line = (core = FIRST): boolean => machine.line(core);

/** Starts the second CPU, and turns on what lets interrupts through on both. */
beforeEach(() => {
  machine = createMachine([FIRST, SECOND]);
  machine.hvc(FIRST, 0x8400_0003, 1, 0x4000_8000, 0);
  writeD(D.CTLR, 1);
  for (const core of [FIRST, SECOND]) {
    writeC(C.PMR, 0xff, core);
    writeC(C.CTLR, 1, core);
  }
});

describe('what there is', () => {
  test('GICD_TYPER: 64 interrupts, two CPUs (4.3.2); ICPIDR2: version 2 (4.3.18)', () => {
    expect(readD(D.TYPER) & 0x1f).toBe(1);
    expect((readD(D.TYPER) >> 5) & 7).toBe(1);
    expect((readD(D.ICPIDR2) >> 4) & 0xf).toBe(2);
  });

  test('after reset nothing is forwarded, and no priority passes the mask (4.3.1, 4.4.1, 4.4.2)', () => {
    const fresh = createMachine([FIRST]);
    for (const address of [GICD + D.CTLR, GICC + C.CTLR, GICC + C.PMR])
      expect(fresh.load(FIRST, address)).toBe(0);
    expect(fresh.load(FIRST, GICC + C.RPR)).toBe(IDLE);
    expect(fresh.load(FIRST, GICC + C.IAR)).toBe(SPURIOUS);
  });

  test('registers of interrupts that there are not read as zero and ignore writes (4.1.2)', () => {
    for (const offset of [
      D.ISENABLER + 8,
      D.ISPENDR + 8,
      D.ISACTIVER + 8,
      D.IPRIORITYR + 64,
      D.ITARGETSR + 64,
    ]) {
      writeD(offset, 0xffff_ffff);
      expect(readD(offset), offset.toString(16)).toBe(0);
    }
  });
});

describe('enabling (4.3.5, 4.3.6)', () => {
  test('ones set and clear, zeros do nothing; private ones are each CPU’s own', () => {
    writeD(D.ISENABLER + 4, 0x0f);
    writeD(D.ISENABLER + 4, 0);
    expect(readD(D.ISENABLER + 4)).toBe(0x0f);
    writeD(D.ICENABLER + 4, 0x05);
    expect(readD(D.ICENABLER + 4)).toBe(0x0a);
    writeD(D.ISENABLER, 1 << 27);
    expect(readD(D.ISENABLER) & (1 << 27)).not.toBe(0);
    expect(readD(D.ISENABLER, SECOND) & (1 << 27)).toBe(0);
    expect(readD(D.ISENABLER + 4, SECOND)).toBe(0x0a);
  });

  test('a pending interrupt is not forwarded while it is disabled, and stays pending', () => {
    writeD(D.ITARGETSR + 40, 1, FIRST, 1);
    writeD(D.ISPENDR + 4, 1 << 8);
    expect(line()).toBe(false);
    expect(readD(D.ISPENDR + 4)).toBe(1 << 8);
    writeD(D.ISENABLER + 4, 1 << 8);
    expect(line()).toBe(true);
    writeD(D.ICENABLER + 4, 1 << 8);
    expect(line()).toBe(false);
  });

  test('the distributor and the CPU interface can be switched off (4.3.1, 4.4.1)', () => {
    writeD(D.SGIR, TO_SELF | 3);
    expect(line()).toBe(true);
    writeD(D.CTLR, 0);
    expect(line()).toBe(false);
    expect(readC(C.IAR)).toBe(SPURIOUS);
    writeD(D.CTLR, 1);
    writeC(C.CTLR, 0);
    expect(line()).toBe(false);
    writeC(C.CTLR, 1);
    expect(line()).toBe(true);
  });
});

describe('SGIs (4.3.15, 3.2.2)', () => {
  test('to a list, to the others, to oneself; IAR says who sent it in bits 12 to 10 (4.4.4)', () => {
    writeD(D.SGIR, TO(1 << 1, 5));
    expect([line(FIRST), line(SECOND)]).toEqual([false, true]);
    expect(readC(C.IAR, SECOND)).toBe(5);
    writeD(D.SGIR, TO_OTHERS | 6, SECOND);
    expect(readC(C.IAR, FIRST)).toBe((1 << 10) | 6);
    writeD(D.SGIR, TO_SELF | 7, FIRST);
    writeC(C.EOIR, (1 << 10) | 6);
    expect(readC(C.IAR, FIRST)).toBe(7);
    expect(readC(C.IAR, FIRST)).toBe(SPURIOUS);
  });

  test('of two senders each has its own pending SGI', () => {
    writeD(D.SGIR, TO(1 << 1, 9), FIRST);
    writeD(D.SGIR, TO(1 << 1, 9), SECOND);
    const taken: number[] = [];
    for (let n = 0; n < 2; n++) {
      const got = readC(C.IAR, SECOND);
      taken.push(got);
      writeC(C.EOIR, got, SECOND);
    }
    expect(taken.sort((a, b) => a - b)).toEqual([9, (1 << 10) | 9]);
    expect(readC(C.IAR, SECOND)).toBe(SPURIOUS);
  });

  test('one that is sent again just when it is taken is one: IAR knows its sender, or gives none', () => {
    writeD(D.SGIR, TO(1 << 1, 3), FIRST);
    let taken = 0;
    // The sender has said who it is, and not yet that there is one.
    machine.meanwhile('dmbIsh', () => (taken = readC(C.IAR, SECOND)));
    writeD(D.SGIR, TO(1 << 1, 3), FIRST);
    expect(taken).toBe(3);
    writeC(C.EOIR, 3, SECOND);
    expect(readC(C.IAR, SECOND)).toBe(SPURIOUS);
    expect(line(SECOND)).toBe(false);
  });

  test('one for a CPU that is off waits for it: the distributor keeps it (PSCI turns on the CPU alone)', () => {
    machine = createMachine([FIRST, SECOND]);
    writeD(D.CTLR, 1);
    writeD(D.SGIR, TO(1 << 1, 4));
    machine.hvc(FIRST, 0x8400_0003, 1, 0x4000_8000, 0);
    writeC(C.PMR, 0xff, SECOND);
    writeC(C.CTLR, 1, SECOND);
    expect(line(SECOND)).toBe(true);
    expect(readC(C.IAR, SECOND)).toBe(4);
  });

  test('CPUs that there are not get none', () => {
    writeD(D.SGIR, TO(0xfc, 2));
    expect([line(FIRST), line(SECOND)]).toEqual([false, false]);
  });
});

describe('priorities (3.3)', () => {
  const raise = (id: number, priority: number): void => {
    writeD(D.IPRIORITYR + id, priority, FIRST, 1);
    writeD(D.SGIR, TO_SELF | id);
  };

  test('the smallest value first; of the same, the smallest ID', () => {
    raise(4, 0xa0);
    raise(9, 0x40);
    raise(2, 0xa0);
    const order = [0, 0, 0].map(() => {
      const id = readC(C.IAR);
      writeC(C.EOIR, id);
      return id;
    });
    expect(order).toEqual([9, 2, 4]);
  });

  test('a byte for each interrupt; of 32 levels the low three bits read as zero (3.3.1, 4.3.11)', () => {
    writeD(D.IPRIORITYR + 32, 0xff_a7_5c_01);
    expect(readD(D.IPRIORITYR + 32)).toBe(0xf8_a0_58_00);
    expect(readD(D.IPRIORITYR + 33, FIRST, 1)).toBe(0x58);
    writeD(D.IPRIORITYR + 34, 0x10, FIRST, 1);
    expect(readD(D.IPRIORITYR + 32)).toBe(0xf8_10_58_00);
  });

  test('a halfword changes two', () => {
    for (const at of [0, 28, 32, 60]) writeD(D.IPRIORITYR + at, 0x8080_8080);
    writeD(D.SGIR, TO_SELF | 1);
    for (const at of [2, 30, 34, 62]) writeD(D.IPRIORITYR + at, 0x1020, FIRST, 2);
    expect([0, 28, 32, 60].map((at) => readD(D.IPRIORITYR + at))).toEqual(
      [0, 0, 0, 0].map(() => 0x1020_8080),
    );
    expect(readC(C.IAR)).toBe(1);
  });

  test('one that another CPU changes counts at once', () => {
    writeD(D.ITARGETSR + 40, 2, FIRST, 1);
    writeD(D.IPRIORITYR + 40, 0xa0, FIRST, 1);
    writeD(D.ISENABLER + 4, 1 << 8);
    writeD(D.ISPENDR + 4, 1 << 8);
    writeC(C.PMR, 0x80, SECOND);
    expect(line(SECOND)).toBe(false);
    machine.wfi(SECOND);
    expect(machine.asleep(SECOND)).toBe(true);
    writeD(D.IPRIORITYR + 40, 0x40, FIRST, 1);
    expect(machine.asleep(SECOND)).toBe(false);
    expect(line(SECOND)).toBe(true);
  });

  test('only what is higher than the mask is signalled (4.4.2)', () => {
    raise(3, 0x80);
    writeC(C.PMR, 0x80);
    expect(line()).toBe(false);
    expect(readC(C.IAR)).toBe(SPURIOUS);
    writeC(C.PMR, 0x88);
    expect(line()).toBe(true);
    expect(readC(C.PMR)).toBe(0x88);
  });

  test('an active interrupt is preempted by a higher one only; RPR says which runs (4.4.6)', () => {
    raise(1, 0x80);
    expect(readC(C.IAR)).toBe(1);
    expect(readC(C.RPR)).toBe(0x80);
    raise(2, 0x80);
    expect(line()).toBe(false);
    raise(3, 0x40);
    expect(line()).toBe(true);
    expect(readC(C.IAR)).toBe(3);
    expect(readC(C.RPR)).toBe(0x40);
    writeC(C.EOIR, 3);
    expect(readC(C.RPR)).toBe(0x80);
    expect(line()).toBe(false);
    writeC(C.EOIR, 1);
    expect(readC(C.RPR)).toBe(IDLE);
    expect(readC(C.IAR)).toBe(2);
  });

  test('HPPIR says what would be taken, and takes nothing (4.4.7)', () => {
    expect(readC(C.HPPIR)).toBe(SPURIOUS);
    raise(6, 0x40);
    expect(readC(C.HPPIR) & 0x3ff).toBe(6);
    expect(readC(C.HPPIR) & 0x3ff).toBe(6);
    expect(line()).toBe(true);
  });

  test('the binary point has the lowest value that 32 levels allow, at reset and at least (4.4.3)', () => {
    expect(readC(C.BPR)).toBe(2);
    writeC(C.BPR, 0);
    expect(readC(C.BPR)).toBe(2);
    writeC(C.BPR, 5);
    expect(readC(C.BPR)).toBe(5);
  });

  test('only a higher group priority preempts (3.3.3)', () => {
    // Bits 7 to 6 are the group's.
    writeC(C.BPR, 5);
    raise(1, 0x78);
    expect(readC(C.IAR)).toBe(1);
    raise(2, 0x40);
    expect(line()).toBe(false);
    raise(3, 0x38);
    expect(line()).toBe(true);
    expect(readC(C.IAR)).toBe(3);
  });
});

describe('pending and active (3.2.4)', () => {
  const SPI = 40;
  const bit = 1 << (SPI - 32);
  beforeEach(() => {
    writeD(D.ITARGETSR + SPI, 1, FIRST, 1);
    writeD(D.ISENABLER + 4, bit);
  });

  test('IAR takes it from pending to active, EOIR ends it', () => {
    writeD(D.ISPENDR + 4, bit);
    expect(readC(C.IAR)).toBe(SPI);
    expect([readD(D.ISPENDR + 4), readD(D.ISACTIVER + 4)]).toEqual([0, bit]);
    writeC(C.EOIR, SPI);
    expect(readD(D.ISACTIVER + 4)).toBe(0);
  });

  test('one that is pending again while it is active comes after its end', () => {
    writeD(D.ISPENDR + 4, bit);
    readC(C.IAR);
    writeD(D.ISPENDR + 4, bit);
    expect(line()).toBe(false);
    expect([readD(D.ISPENDR + 4), readD(D.ISACTIVER + 4)]).toEqual([bit, bit]);
    writeC(C.EOIR, SPI);
    expect(line()).toBe(true);
    expect(readC(C.IAR)).toBe(SPI);
  });

  test('ICPENDR takes pending back (4.3.8), ISACTIVER and ICACTIVER change active (4.3.9, 4.3.10)', () => {
    writeD(D.ISPENDR + 4, bit);
    writeD(D.ICPENDR + 4, bit);
    expect(line()).toBe(false);
    writeD(D.ISACTIVER + 4, bit);
    writeD(D.ISPENDR + 4, bit);
    expect(line()).toBe(false);
    writeD(D.ICACTIVER + 4, bit);
    expect(line()).toBe(true);
  });

  test('with EOImode 1 EOIR drops the priority, DIR ends the interrupt (4.4.5, 4.4.15)', () => {
    writeC(C.CTLR, 1 | EOIMODE);
    writeD(D.ISPENDR + 4, bit);
    readC(C.IAR);
    writeC(C.EOIR, SPI);
    expect(readC(C.RPR)).toBe(IDLE);
    expect(readD(D.ISACTIVER + 4)).toBe(bit);
    writeD(D.ISPENDR + 4, bit);
    expect(line()).toBe(false);
    writeC(C.DIR, SPI);
    expect(readD(D.ISACTIVER + 4)).toBe(0);
    expect(line()).toBe(true);
  });

  test('a shared interrupt goes to its targets, a private one’s target is the CPU itself (4.3.12)', () => {
    expect(readD(D.ITARGETSR)).toBe(0x0101_0101);
    expect(readD(D.ITARGETSR, SECOND)).toBe(0x0202_0202);
    writeD(D.ITARGETSR + SPI, 2, FIRST, 1);
    writeD(D.ISPENDR + 4, bit);
    expect([line(FIRST), line(SECOND)]).toEqual([false, true]);
    expect(readC(C.IAR, SECOND)).toBe(SPI);
    // CPUs that there are not read as zero.
    writeD(D.ITARGETSR + SPI, 0xff, FIRST, 1);
    expect(readD(D.ITARGETSR + SPI, FIRST, 1)).toBe(3);
  });

  test('one of several targets takes it, and it is gone for the others', () => {
    writeD(D.ITARGETSR + SPI, 3, FIRST, 1);
    writeD(D.ISPENDR + 4, bit);
    expect([line(FIRST), line(SECOND)]).toEqual([true, true]);
    expect(readC(C.IAR, FIRST)).toBe(SPI);
    expect(readC(C.IAR, SECOND)).toBe(SPURIOUS);
    expect(line(SECOND)).toBe(false);
  });

  test('one that is sent to another CPU while it is active, and is pending at its end, wakes that', () => {
    writeD(D.ISPENDR + 4, bit);
    expect(readC(C.IAR)).toBe(SPI);
    writeD(D.ITARGETSR + SPI, 2, FIRST, 1);
    writeD(D.ISPENDR + 4, bit);
    machine.wfi(SECOND);
    expect(machine.asleep(SECOND)).toBe(true);
    writeC(C.EOIR, SPI);
    expect(machine.asleep(SECOND)).toBe(false);
    expect([line(FIRST), line(SECOND)]).toEqual([false, true]);
  });

  test('two targets that read IAR at the same time: only one of them has it', () => {
    writeD(D.ITARGETSR + SPI, 3, FIRST, 1);
    writeD(D.ISPENDR + 4, bit);
    let taken = 0;
    machine.meanwhile('fetchOr', () => (taken = readC(C.IAR, SECOND)));
    expect([readC(C.IAR, FIRST), taken]).toEqual([SPURIOUS, SPI]);
    expect(readC(C.RPR, FIRST)).toBe(IDLE);
  });

  test('a private interrupt that software has made pending is taken once', () => {
    for (const id of [20, PHYSICAL_TIMER]) {
      writeD(D.ISENABLER, 1 << id);
      writeD(D.ISPENDR, 1 << id);
      expect(readC(C.IAR)).toBe(id);
      expect(readD(D.ISPENDR)).toBe(0);
      writeC(C.EOIR, id);
      expect(readC(C.IAR)).toBe(SPURIOUS);
    }
  });

  test('EOIR of no interrupt does nothing (4.4.5)', () => {
    writeD(D.ISPENDR + 4, bit);
    readC(C.IAR);
    writeC(C.EOIR, SPURIOUS);
    expect(readC(C.RPR)).not.toBe(IDLE);
    expect(readD(D.ISACTIVER + 4)).toBe(bit);
  });
});

test('a word that is at no word’s place changes nothing, of its own registers or of others', () => {
  machine.set(FIRST, 'VBAR', 0x4000_8000n);
  for (const offset of [D.ITARGETSR + 61, D.IPRIORITYR + 63, D.IPRIORITYR + 31]) {
    machine.set(FIRST, 'ELR_hyp', 0x4000_9000n);
    writeD(offset, 0xffff_ffff);
    // A Data Abort: the vector's offset is 0x10 (ARM ARM table B1-3).
    expect(machine.pc(FIRST)).toBe(0x4000_8010);
  }
  expect(
    [D.ITARGETSR + 60, D.IPRIORITYR + 32, D.IPRIORITYR + 60, D.IPRIORITYR + 28].map((it) => readD(it)),
  ).toEqual([0, 0, 0, 0]);
  writeD(D.SGIR, TO_SELF | 1);
  expect(readC(C.IAR)).toBe(1);
});

test('ICFGR: SGIs are edge-triggered; a shared interrupt’s mode is kept, in bit 1 of its two (4.3.13)', () => {
  expect(readD(D.ICFGR)).toBe(0xaaaa_aaaa);
  writeD(D.ICFGR + 8, 0x8000_0002);
  expect(readD(D.ICFGR + 8)).toBe(0x8000_0002);
  expect(readD(D.ICFGR + 12)).toBe(0);
});
