/** Instructions whose cost on the built-in Pi 2 is measured. A new row is all that another instruction takes. */
import type { Assembler } from '../../src/isa/assembler.js';
import { MODE_IRQ, MODE_SVC, MODE_SYS } from '../../src/isa/program-status.js';
import { c, lr, p15, pc, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, sp } from '../../src/isa/registers.js';
import { extensionRows } from './extension-rows.js';
import { vectorRows } from './vector-rows.js';

/** What a row's instructions find in memory; see measure.ts. */
export interface Places {
  /** 64 KiB to read and write, in R1 too at each round's begin. */
  readonly data: number;
  /** A megabyte that nothing translates. */
  readonly hole: number;
}

/** One row: code that is repeated, in a mode. R10 to R12 are the loop's; of the rest all may be changed but R1. */
export interface Row {
  readonly name: string;
  /** Copies of `body` one after another. */
  readonly copies: number;
  /** The mode that it runs in; default: User. */
  readonly mode?: number;
  /** Done once, in SVC mode. */
  readonly prepare?: (a: Assembler, places: Places) => void;
  readonly body: (a: Assembler, places: Places) => void;
  /** What stands at a vector of SVC's table (by its offset), eight words at most; elsewhere an exception ends the run. */
  readonly vectors?: Readonly<Record<number, (a: Assembler) => void>>;
}

/**
 * Straight code. What leaves its block has few copies: each copy begins a block then, and to decode them all would be
 * most of what is measured.
 */
const plain = (name: string, body: Row['body'], more: Partial<Row> = {}): Row => ({
  name,
  copies: 500,
  body,
  ...more,
});
const privileged = (name: string, body: Row['body'], more: Partial<Row> = {}): Row =>
  plain(name, body, { mode: MODE_SVC, copies: LEAVING, ...more });

/** Copies of what leaves its block. */
const LEAVING = 20;

const list = [r2, r3, r4, r5, r6, r7, r8, r9];

/** The row that the others are compared with. */
export const ALU = 'add';

export const rows: readonly Row[] = [
  plain(ALU, (a) => {
    a.add(r2, r3, r4);
  }),
  plain('mov', (a) => {
    a.mov(r2, r3);
  }),
  plain('ldr', (a) => {
    a.ldr(r2, [r1, 16]);
  }),
  plain('str', (a) => {
    a.str(r2, [r1, 16]);
  }),
  plain('ldrd', (a) => {
    a.ldrd(r2, r3, [r1, 16]);
  }),
  plain('strd', (a) => {
    a.strd(r2, r3, [r1, 16]);
  }),
  plain('ldrex, strex', (a) => {
    a.ldrex(r2, [r1]);
    a.strex(r3, r2, [r1]);
  }),
  plain('ldrexd, strexd', (a) => {
    a.ldrexd(r2, r3, [r1]);
    a.strexd(r4, r2, r3, [r1]);
  }),
  plain('ldrexb, strexb', (a) => {
    a.ldrexb(r2, [r1]);
    a.strexb(r3, r2, [r1]);
  }),
  plain('mul', (a) => {
    a.mul(r2, r3, r4);
  }),
  plain('umull', (a) => {
    a.umull(r2, r3, r4, r5);
  }),
  plain('b', (a) => {
    const next = a.label('next');
    a.b(next);
    a.at(next);
  }),
  plain('bl, bx lr', (a) => {
    const [over, call] = [a.label('over'), a.label('function')];
    a.bl(call);
    a.b(over);
    a.at(call);
    a.bx(lr);
    a.at(over);
  }),
  plain('ldm of 8', (a) => {
    a.ldm(r1, list);
  }),
  plain('stm of 8', (a) => {
    a.stm(r1, list);
  }),
  plain('mrc TPIDRURO', (a) => {
    a.mrc(p15, 0, r2, c(13), c(0), 3);
  }),
  plain('mrc TPIDRURW', (a) => {
    a.mrc(p15, 0, r2, c(13), c(0), 2);
  }),
  plain(
    'mcr TPIDRURW',
    (a) => {
      a.mcr(p15, 0, r2, c(13), c(0), 2);
    },
    { copies: LEAVING },
  ),
  privileged('mrc TPIDRPRW', (a) => {
    a.mrc(p15, 0, r2, c(13), c(0), 4);
  }),
  privileged('mcr TPIDRURO', (a) => {
    a.mcr(p15, 0, r2, c(13), c(0), 3);
  }),
  privileged('mrc DACR', (a) => {
    a.mrc(p15, 0, r2, c(3), c(0), 0);
  }),
  privileged('mrc DACR, mcr DACR', (a) => {
    a.mrc(p15, 0, r2, c(3), c(0), 0);
    a.mcr(p15, 0, r2, c(3), c(0), 0);
  }),
  privileged('mrc MPIDR', (a) => {
    a.mrc(p15, 0, r2, c(0), c(0), 5);
  }),
  privileged('mrrc CNTVCT', (a) => {
    a.mrrc(p15, 1, r2, r3, c(14));
  }),
  plain('dmb', (a) => {
    a.dmb('ISH');
  }),
  plain(
    'isb',
    (a) => {
      a.isb();
    },
    { copies: LEAVING },
  ),
  plain(
    'mcr CP15DMB',
    (a) => {
      a.mcr(p15, 0, r2, c(7), c(10), 5);
    },
    { copies: LEAVING },
  ),
  plain('pld', (a) => {
    a.pld([r1]);
  }),
  plain('sadd8', (a) => {
    a.sadd8(r2, r3, r4);
  }),
  plain('uadd8', (a) => {
    a.uadd8(r2, r3, r4);
  }),
  plain('uqsub16', (a) => {
    a.uqsub16(r2, r3, r4);
  }),
  plain('qadd8', (a) => {
    a.qadd8(r2, r3, r4);
  }),
  plain('uhadd8', (a) => {
    a.uhadd8(r2, r3, r4);
  }),
  plain('sasx', (a) => {
    a.sasx(r2, r3, r4);
  }),
  plain('sel', (a) => {
    a.sel(r2, r3, r4);
  }),
  plain('usad8', (a) => {
    a.usad8(r2, r3, r4);
  }),
  plain('usada8', (a) => {
    a.usada8(r2, r3, r4, r5);
  }),
  plain('pkhbt', (a) => {
    a.pkhbt(r2, r3, r4);
  }),
  plain('ssat', (a) => {
    a.ssat(r2, 12, r3);
  }),
  plain('usat', (a) => {
    a.usat(r2, 8, r3);
  }),
  plain('usat16', (a) => {
    a.usat16(r2, 8, r3);
  }),
  plain('qadd', (a) => {
    a.qadd(r2, r3, r4);
  }),
  plain('qdsub', (a) => {
    a.qdsub(r2, r3, r4);
  }),
  plain('smlabb', (a) => {
    a.smlabb(r2, r3, r4, r5);
  }),
  plain('smulbb', (a) => {
    a.smulbb(r2, r3, r4);
  }),
  plain('smlawt', (a) => {
    a.smlawt(r2, r3, r4, r5);
  }),
  plain('smlalbb', (a) => {
    a.smlalbb(r2, r3, r4, r5);
  }),
  plain('smlad', (a) => {
    a.smlad(r2, r3, r4, r5);
  }),
  plain('smuad', (a) => {
    a.smuad(r2, r3, r4);
  }),
  plain('smlald', (a) => {
    a.smlald(r2, r3, r4, r5);
  }),
  plain('smmul', (a) => {
    a.smmul(r2, r3, r4);
  }),
  plain('smmla', (a) => {
    a.smmla(r2, r3, r4, r5);
  }),
  plain('uxtab16', (a) => {
    a.uxtab16(r2, r3, r4);
  }),
  plain('sxtb16', (a) => {
    a.sxtb16(r2, r3);
  }),
  plain('mrs', (a) => {
    a.mrs(r2, 'CPSR');
  }),
  plain(
    'msr flags',
    (a) => {
      a.msr('CPSR_f', r2);
    },
    { copies: LEAVING },
  ),
  plain(
    'svc, movs pc lr',
    (a) => {
      a.svc(0);
    },
    {
      copies: LEAVING,
      vectors: {
        8: (a) => {
          a.movs(pc, lr);
        },
      },
    },
  ),
  privileged('cpsid i, cpsie i', (a) => {
    a.cpsid('i');
    a.cpsie('i');
  }),
  privileged('cps to sys, svc', (a) => {
    a.cps(MODE_SYS);
    a.cps(MODE_SVC);
  }),
  privileged(
    'msr cpsr_c to irq, svc',
    (a) => {
      a.msr('CPSR_c', r2);
      a.msr('CPSR_c', r3);
    },
    {
      prepare: (a) => {
        a.mov(r2, 0xc0 | MODE_IRQ);
        a.mov(r3, 0xc0 | MODE_SVC);
      },
    },
  ),
  privileged('mrs spsr, msr spsr', (a) => {
    a.mrs(r2, 'SPSR');
    a.msr('SPSR_fsxc', r2);
  }),
  privileged('stm of User registers', (a) => {
    a.stm(r1, [r0, r2, r3, r4, r5, sp, lr], '^');
  }),
  privileged('ldm of User registers', (a) => {
    a.ldm(r1, [r2, r3, r4, r5, r6, sp, lr], '^');
  }),
  plain(
    'undefined, movs pc lr',
    (a) => {
      a.udf(0);
    },
    {
      copies: LEAVING,
      vectors: {
        4: (a) => {
          a.movs(pc, lr);
        },
      },
    },
  ),
  plain(
    'data abort, subs pc lr 4',
    (a) => {
      a.ldr(r2, [r9]);
    },
    {
      copies: LEAVING,
      prepare: (a, { hole }) => {
        a.mov(r9, hole);
      },
      vectors: {
        0x10: (a) => {
          a.subs(pc, lr, 4);
        },
      },
    },
  ),
  plain(
    'prefetch abort, movs pc r8',
    (a) => {
      // Back to where it was called.
      a.add(r8, pc, 0);
      a.bx(r9);
    },
    {
      copies: LEAVING,
      prepare: (a, { hole }) => {
        a.mov(r9, hole);
      },
      vectors: {
        0x0c: (a) => {
          a.movs(pc, r8);
        },
      },
    },
  ),
  plain(
    'svc, srs, rfe',
    (a) => {
      a.svc(0);
    },
    {
      copies: LEAVING,
      vectors: {
        8: (a) => {
          a.srsdb(sp, '!', MODE_SVC);
          a.rfeia(sp, '!');
        },
      },
    },
  ),
  ...(
    [
      ['TLBIMVA', 7, 1],
      ['TLBIASID', 7, 2],
      ['TLBIALL', 7, 0],
    ] as const
  ).map(([name, CRm, opc2]) =>
    privileged(
      `${name}, ldr`,
      (a) => {
        a.mcr(p15, 0, r1, c(8), c(CRm), opc2);
        a.ldr(r2, [r1]);
      },
      { copies: 10 },
    ),
  ),
  ...extensionRows,
  ...vectorRows,
];
