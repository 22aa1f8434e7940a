/**
 * Guests that do whatever a guest can, by seed. A program is a table of short pieces of code; every exception and every
 * piece's end leads to the handler, which goes on with the next piece. What a piece leaves behind (modes, tables,
 * timers, changed code) stays. A program ends when one of its CPUs asks for a reset.
 */
import { a32Encodings } from '../../src/isa/a32/index.js';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { writeFields } from '../../src/isa/pattern.js';
import type { Label, Register } from '../../src/isa/registers.js';
import { coreRegisters, lsl, pc, r0, r1, r2, r3, r4, r5, r12, sp } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { guestBase } from '../../src/hypervisor/shared/guest-machine.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import {
  ARM_MEMORY,
  GICC,
  GICD,
  GUEST_KERNEL,
  GUEST_MEMORY,
  GUEST_RAM,
  GUEST_UART,
  load,
} from './payloads.js';

export type Random = (below: number) => number;

/** Bytes of every program, and where in it its number stands. */
export const PROGRAM_SIZE = 0x3_0000;
export const NUMBER_AT = 0x20;
/** Pieces of a program, a power of two. */
const PIECES = 256;
const PIECES_BITS = 8;
/** Where a program counts its pieces, in the guest's memory. */
const PIECES_DONE = 0x4000;
const STACK = GUEST_RAM + 0x7000;
const CODE = GUEST_RAM + GUEST_KERNEL;
/** Translation tables, in the program: the short format's level 1, the long format's, and garbage. */
const SHORT_TABLE = 0x2_8000;
const LONG_TABLE = 0x2_c000;

const PSCI = 0x8400_0000;
const CPU_ON = 3;
const SYSTEM_OFF = 8;
const SYSTEM_RESET = 9;
const CALLS = 11;
const MODES = [0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x1a, 0x1b, 0x1f];
const SCTLR_RESET = 0x00c5_0878;

// Words that the assembler would refuse, or that are easier so.
const ALWAYS = 0xe000_0000;
const CPSID_SVC = 0xf10e_01d3;
const cps = (mode: number): number => (0xf102_0000 | mode) >>> 0;
const cpsie = (flags: number): number => (0xf108_0000 | (flags << 6)) >>> 0;
const msrCpsr = (n: number): number => (0xe129_f000 | n) >>> 0;
const msrSpsr = (n: number): number => (0xe16f_f000 | n) >>> 0;
const MOVS_PC_LR = 0xe1b0_f00e;
/** T32: bx pc; nop. The word behind is A32 again. */
const BX_PC = 0x46c0_4778;

const any = (random: Random): number => (random(0x1_0000) * 0x1_0000 + random(0x1_0000)) >>> 0;

/** An address: of everything there is for a guest, and of what there is not. */
function address(random: Random): number {
  const place = ((): number => {
    switch (random(18)) {
      case 16:
        return guestBase('rtc') + random(random(4) ? 0x20 : 0x1000);
      case 17:
        return guestBase('gpio') + random(random(4) ? 0x424 : 0x1000);
      case 0:
      case 1:
        return GICD + random(0x1000);
      case 2:
      case 3:
        return GICC + random(random(4) ? 0x100 : 0x2000);
      case 4:
        return GUEST_UART + random(random(4) ? 0x50 : 0x1000);
      case 5:
        return guestBase('virtio') + random(0x5000);
      case 6:
      case 7:
        return GUEST_RAM + random(GUEST_MEMORY);
      case 8:
        return CODE + random(0x1_0000);
      case 9:
        return GUEST_RAM + GUEST_MEMORY + random(0x40_0000) - 0x1000;
      case 10:
        return 0x3f00_0000 + random(0x100_0000);
      case 11:
        return 0x4000_0000 + random(0x200);
      case 12:
        return ARM_MEMORY - random(0x100_0000);
      case 13:
        return random(0x1_0000);
      case 14:
        return [0, 0xffff_fffc, 0xffff_fff0, 0x7fff_fffc, 0x0800_0ffc, 0x0801_0ffe, 0x0900_0ffd][random(7)]!;
      default:
        return any(random);
    }
  })();
  return (random(3) ? place & ~3 : place) >>> 0;
}

/** A word: anything, or what may mean something somewhere. */
export function value(random: Random): number {
  switch (random(5)) {
    case 0:
      return any(random);
    case 1:
      return random(256);
    case 2:
      return (1 << random(32)) >>> 0;
    case 3:
      return [0, 1, 3, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 0xf, 0x3ff][random(8)]!;
    default:
      return address(random);
  }
}

/** A random instruction of a table, so that what is rare by chance is not rare here. */
function instruction(random: Random, encodings: typeof a32Encodings): { word: number; width: number } {
  const { pattern } = encodings[random(encodings.length)]!;
  const fields: Record<string, number> = {};
  for (const [name, { width }] of pattern.fields)
    fields[name] = name === 'cond' && random(8) ? 14 : random(2 ** width);
  return { word: writeFields(pattern, fields), width: pattern.width };
}

/** MRC, MCR, MRRC, MCRR, LDC, STC and CDP with any opcodes. */
function coprocessor(random: Random): number {
  const number = random(8) ? 14 + random(2) : random(16);
  const rest = (number << 8) | (random(16) << 12);
  switch (random(8)) {
    case 0:
      // Two registers: half of all for the timers.
      return (
        (ALWAYS |
          0x0c40_0000 |
          (random(2) << 20) |
          (random(16) << 16) |
          rest |
          (random(2) ? random(256) : (random(5) << 4) | 14)) >>>
        0
      );
    case 1:
      return (ALWAYS | 0x0c00_0000 | (random(0x200) << 16) | rest | random(256)) >>> 0;
    default: {
      const crn = random(3) ? random(16) : [1, 2, 9, 14][random(4)]!;
      return (
        ((ALWAYS | 0x0e00_0010 | (random(256) << 20) | (crn << 16) | rest | (random(256) & ~0x10)) >>> 0) &
        ~(random(8) ? 0x00e0_0000 * (random(2) ^ 1) : 0)
      );
    }
  }
}

/** Puts addresses and values into the registers that instructions use. */
function fill(a: Assembler, random: Random, count = 4): void {
  for (let i = 0; i < count; i++)
    load(a, coreRegisters[random(8)]!, random(4) ? address(random) : value(random));
}

/** Writes a piece, which may change all registers. */
export type Piece = (a: Assembler, random: Random) => void;
/** A kind of pieces, and how often it comes. */
export type Kind = readonly [often: number, piece: Piece];

const write = (a: Assembler, register: Register, what: number): void => {
  load(a, register, what);
};

/** Into nowhere: most memory is zeros, which are instructions that do nothing. */
const goAway: Piece = (a, random) => {
  write(a, r0, address(random));
  a.bx(r0);
};

const wait: Piece = (a, random) => {
  const again = a.label('storm');
  write(a, r4, 1 + random(random(4) ? 8 : 200));
  if (random(2)) a.word(cpsie(random(8)));
  a.at(again);
  for (let i = random(3); i >= 0; i--)
    a.word([0xe320_f003, 0xe320_f002, 0xe320_f004, 0xe320_f001][random(4)]!);
  a.subs(r4, r4, 1);
  a.bne(again);
};

/** With interrupts masked; now and then for ever. */
const spin: Piece = (a, random) => {
  const again = a.label('spin');
  a.word(CPSID_SVC);
  write(a, r4, random(64) ? random(3000) : 0xffff_ffff);
  a.at(again);
  a.subs(r4, r4, 1);
  a.bne(again);
};

/** The kinds of pieces unless told otherwise. */
const PIECE_KINDS: readonly Kind[] = [
  [
    8, // Whatever there is, over addresses of devices and of memory.
    (a, random) => {
      fill(a, random, 6);
      for (let i = random(10); i >= 0; i--) a.word(instruction(random, a32Encodings).word);
    },
  ],
  [
    6, // Loads and stores.
    (a, random) => {
      fill(a, random, 6);
      const memory = a32Encodings.filter(({ name }) =>
        /^(LDR|STR|LDM|STM|SWP|VLD|VST|PLD|PUSH|POP)/.test(name),
      );
      for (let i = random(8); i >= 0; i--) a.word(instruction(random, memory).word);
    },
  ],
  [
    2, // Words that nobody meant.
    (a, random) => {
      fill(a, random);
      for (let i = random(6); i >= 0; i--) a.word(any(random));
    },
  ],
  [
    6,
    (a, random) => {
      fill(a, random, 3);
      for (let i = random(6); i >= 0; i--) a.word(coprocessor(random));
    },
  ],
  [
    4, // HVC and SMC.
    (a, random) => {
      for (const register of [r1, r2, r3]) write(a, register, random(2) ? random(5) : value(random));
      const call = random(CALLS);
      // A program ends by its reset, seldom; off is for ever, and has a test of its own.
      const known = call === SYSTEM_OFF || (call === SYSTEM_RESET && random(4)) ? CPU_ON : call;
      write(a, r0, random(4) ? PSCI + known : value(random) & ~0x8400_0000);
      a.word((random(3) ? 0xe140_0070 : 0xe160_0070 | random(16)) >>> 0);
    },
  ],
  [
    4, // Timers, soon, with interrupts let in.
    (a, random) => {
      for (let i = random(4); i >= 0; i--) {
        write(a, r0, random(3) ? random(0x4000) : value(random));
        const timer = [reg.CNTV_TVAL, reg.CNTP_TVAL, reg.CNTV_CTL, reg.CNTP_CTL, reg.CNTKCTL][random(5)]!;
        if (timer === reg.CNTV_CTL || timer === reg.CNTP_CTL) a.mov(r0, random(4) ? 1 : random(8));
        a.mcr(timer, r0);
      }
      write(a, r1, value(random));
      if (random(4) === 0) a.mcrr(random(2) ? reg.CNTV_CVAL : reg.CNTP_CVAL, r0, r1);
      a.word(cpsie(random(8)));
      if (random(2)) a.wfi();
    },
  ],
  [
    6, // The interrupt controller, every register and size.
    (a, random) => {
      for (let i = random(6); i >= 0; i--) {
        const register = random(3)
          ? GICD +
            [0, 0x80, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x800, 0xc00, 0xf00][random(12)]! +
            random(0x44)
          : GICC + [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c, 0xd0, 0xfc, 0x1000][random(11)]!;
        write(a, r4, random(3) ? register & ~3 : register);
        write(a, r5, random(2) ? any(random) : random(64));
        switch (random(10)) {
          case 0:
            a.strb(r5, [r4]);
            break;
          case 1:
            a.ldrb(r5, [r4]);
            break;
          case 2:
            a.strh(r5, [r4]);
            break;
          case 3:
            a.ldm(r4, [r0, r1, r2]);
            break;
          case 4:
            a.stm(r4, [r0, r1, r2]);
            break;
          case 5:
            a.ldrex(r0, [r4]);
            a.strex(r1, r5, [r4]);
            break;
          case 6:
          case 7:
            a.ldr(r5, [r4]);
            break;
          default:
            a.str(r5, [r4]);
        }
      }
    },
  ],
  [
    2, // Interrupts as a kernel takes them, and not quite.
    (a, random) => {
      write(a, r4, GICC);
      a.ldr(r0, [r4, 0xc]);
      if (random(4) === 0) a.ldr(r0, [r4, 0xc]);
      if (random(4)) a.str(r0, [r4, 0x10]);
      if (random(4) === 0) a.str(r0, [r4, 0x10]);
    },
  ],
  [
    3, // Modes and status registers.
    (a, random) => {
      write(a, r0, ((random(2) ? any(random) & ~0x1f : random(8) << 6) | MODES[random(9)]!) >>> 0);
      switch (random(4)) {
        case 0:
          a.word(cps(MODES[random(9)]!));
          break;
        case 1:
          a.word(msrCpsr(0));
          break;
        case 2:
          a.word(msrSpsr(0));
          write(a, coreRegisters[14]!, random(2) ? CODE + random(0x4000) : address(random));
          a.word(MOVS_PC_LR);
          break;
        default:
          a.word(cps(0x10));
      }
      fill(a, random, 2);
      for (let i = random(4); i >= 0; i--) a.word(instruction(random, a32Encodings).word);
      if (random(2)) a.svc(random(256));
    },
  ],
  [
    3, // Code that changes itself, seen by the instruction cache or not.
    (a, random) => {
      const place = a.label('changed');
      a.adr(r4, place);
      write(a, r0, random(2) ? instruction(random, a32Encodings).word : any(random));
      a.str(r0, [r4]);
      if (random(2)) {
        a.mcr(reg.DCCMVAU, r4);
        a.dsb();
        a.mcr(random(2) ? reg.ICIALLU : reg.ICIMVAU, r4);
        a.isb();
      }
      a.at(place);
      a.nop();
    },
  ],
  [2, goAway],
  [
    2, // Translation tables, good and bad.
    (a, random) => {
      const long = random(3) === 0;
      const bad = random(4) === 0;
      const table = bad ? value(random) : CODE + (long ? LONG_TABLE : SHORT_TABLE);
      write(a, r0, bad ? table : table | (random(2) ? 0x4a : 0));
      a.mcr(reg.TTBR0, r0);
      if (random(4) === 0) {
        write(a, r0, value(random));
        a.mcr(reg.TTBR1, r0);
      }
      write(a, r0, long ? 0x8000_0000 : bad ? any(random) : 0);
      a.mcr(reg.TTBCR, r0);
      write(a, r0, random(4) ? 0xffff_ffff : any(random));
      a.mcr(reg.DACR, r0);
      a.mcr(reg.TLBIALL, r0);
      a.dsb();
      a.isb();
      const unusual = random(8) ? 0 : any(random) & 0x7200_3006;
      write(a, r0, (SCTLR_RESET | 1 | (random(2) ? 0x1804 : 0)) ^ unusual);
      a.mcr(reg.SCTLR, r0);
      a.isb();
      fill(a, random, 4);
      for (let i = random(6); i >= 0; i--) a.word(instruction(random, a32Encodings).word);
    },
  ],
  [
    2, // Caches by set and way, translations, branch predictors.
    (a, random) => {
      for (let i = random(8); i >= 0; i--) {
        write(a, r0, value(random));
        // c7 and c8, any operation.
        a.word((ALWAYS | 0x0e00_0f10 | ((7 + random(2)) << 16) | (random(8) << 5) | random(16)) >>> 0);
      }
    },
  ],
  [2, wait],
  [1, spin],
  [
    4, // T32.
    (a, random) => {
      fill(a, random, 5);
      a.add(r12, pc, 1);
      a.bx(r12);
      const code: number[] = [];
      for (let i = random(10); i >= 0; i--) {
        const { word, width } = instruction(random, t32Encodings);
        if (width === 32) code.push(word >>> 16);
        code.push(word & 0xffff);
      }
      if (code.length % 2) code.push(0xbf00);
      for (let i = 0; i < code.length; i += 2) a.word(((code[i + 1]! << 16) | code[i]!) >>> 0);
      a.word(BX_PC);
    },
  ],
  [
    3, // VFP and NEON, also to devices.
    (a, random) => {
      write(a, r0, random(8) ? 0xf << 20 : any(random));
      a.mcr(reg.CPACR, r0);
      a.isb();
      write(a, r0, random(8) ? 0x4000_0000 : 0);
      a.vmsr('FPEXC', r0);
      fill(a, random, 5);
      const extension = a32Encodings.filter(({ name }) => name.startsWith('V'));
      for (let i = random(8); i >= 0; i--) a.word(instruction(random, extension).word);
    },
  ],
];

/** Those of them that go on at once. */
export const BUSY_KINDS = PIECE_KINDS.filter(([, piece]) => ![wait, spin, goAway].includes(piece));

/**
 * Makes a program for a guest of three CPUs, PROGRAM_SIZE bytes: two do whatever they can, the third ends it.
 * @param number distinguishes it from others; stands at {@link NUMBER_AT}
 * @param life ticks of the virtual count after which it asks for a reset
 * @param kinds of its pieces
 */
export function program(
  random: Random,
  number: number,
  life: number,
  kinds: readonly Kind[] = PIECE_KINDS,
): Uint8Array {
  const drawn = kinds.flatMap(([often, piece]) => new Array<Piece>(often).fill(piece));
  const a = assembler(CODE);
  const label = (name: string): Label => a.label(name);
  const [start, handler, on, pieces] = [label('start'), label('handler'), label('on'), label('pieces')];
  const [misbehave, wait, pause] = [label('misbehave'), label('wait'), label('pause')];
  // The first is the kernel's entry.
  a.b(start);
  for (let i = 1; i < 8; i++) a.b(handler);
  a.word(number);

  a.at(handler);
  a.word(CPSID_SVC);
  load(a, r0, GUEST_RAM + PIECES_DONE);
  a.ldr(r1, [r0]);
  a.add(r1, r1, 1);
  a.str(r1, [r0]);
  load(a, sp, STACK);
  // Now and then the MMU is off again, and interrupts come that end a wait.
  a.tst(r1, 15);
  a.bne(on);
  load(a, r2, SCTLR_RESET);
  a.mcr(reg.SCTLR, r2);
  a.isb();
  interrupts(a);
  a.at(on);
  load(a, r2, random(PIECES) * 2 + 1);
  a.mul(r2, r1, r2);
  a.ubfx(r2, r2, 0, PIECES_BITS);
  a.adr(r3, pieces);
  a.ldr(pc, [r3, r2, lsl(2)]);
  const labels = Array.from({ length: PIECES }, (_, i) => label(`piece ${i}`));
  a.at(pieces);
  for (const it of labels) a.word(it);

  const third = a.here;
  load(a, r2, life);
  a.at(wait);
  a.mov(r1, 1000);
  a.at(pause);
  a.subs(r1, r1, 1);
  a.bne(pause);
  a.mrrc(reg.CNTVCT, r0, r1);
  a.cmp(r0, r2);
  a.blo(wait);
  load(a, r0, PSCI + SYSTEM_RESET);
  a.hvc(0);

  a.at(misbehave);
  const second = a.here;
  load(a, r0, CODE);
  a.mcr(reg.VBAR, r0);
  a.b(handler);

  a.at(start);
  for (const [cpu, entry] of [
    [1, second],
    [2, third],
  ] as const) {
    load(a, r0, PSCI + CPU_ON);
    a.mov(r1, cpu);
    load(a, r2, entry);
    a.hvc(0);
  }
  a.b(misbehave);

  for (const it of labels) {
    a.at(it);
    drawn[random(drawn.length)]!(a, random);
    a.b(handler);
  }
  a.org(CODE + SHORT_TABLE);
  tables(a, random);
  a.org(CODE + PROGRAM_SIZE);
  return a.assemble();
}

/** Has the virtual timer interrupt soon, and everything let it through. Changes R0, R2 and R3. */
function interrupts(a: Assembler): void {
  for (const [address, value] of [
    [GICD, 1],
    [GICD + 0x100, 1 << 27],
    [GICC + 4, 0xf0],
    [GICC, 1],
  ] as const) {
    load(a, r0, address);
    load(a, r2, value);
    a.str(r2, [r0]);
  }
  load(a, r0, 20_000);
  a.mcr(reg.CNTV_TVAL, r0);
  a.mcr(reg.CNTV_CTL, r2);
}

/** Level 1 of both formats: a guest's memory and devices at their places, anything else elsewhere. */
function tables(a: Assembler, random: Random): void {
  const MIB = 0x10_0000;
  const memory = [GUEST_RAM / MIB, GUEST_RAM / MIB + 1];
  const devices = [GICD / MIB, GUEST_UART / MIB, 0x0a0];
  for (let i = 0; i < 0x1000; i++) {
    if (memory.includes(i)) a.word((i * MIB) | 0xc0e);
    else if (devices.includes(i)) a.word((i * MIB) | 0xc06);
    else a.word(random(4) ? (random(2) ? 0 : address(random) | 1) : any(random));
  }
  const GIB = 0x4000_0000;
  for (let i = 0; i < 4; i++) {
    const low = random(4) ? (i * GIB) | 0x701 : address(random) | 3;
    a.word(i === 1 ? GIB | 0x701 : low >>> 0, i === 1 || random(2) ? 0 : any(random));
  }
}
