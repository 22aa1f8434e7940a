/** What the test image looks at in HYP mode, before there is any hypervisor: the block's work, and the board itself. */
import { assembler, type Assembler } from '../isa/assembler.js';
import { bits, resetOf } from '../isa/bits.js';
import { MODE_SVC, PSR } from '../isa/program-status.js';
import type { Label, Register } from '../isa/registers.js';
import { lsl, r0, r1, r10, r2, r3, r4, r5, r6, r7, r8, r9, sp } from '../isa/registers.js';
import * as reg from '../isa/system-registers.js';
import { loadWord } from '../isa/load-word.js';
import { writeSerialSetup } from '../boot/serial.js';
import { CORES, MACHINE_TYPE, PERIPHERAL_BASE, UART0_BASE } from '../board/bcm2836.js';
import {
  LOCAL_BASE,
  LOCAL_CONTROL,
  LOCAL_MAILBOX3_CLR,
  LOCAL_MAILBOX3_SET,
  LOCAL_MAILBOX_STRIDE,
  LOCAL_PRESCALER,
} from '../board/local-peripherals.js';
import { SYSTEM_TIMER_BASE, SYSTEM_TIMER_REGISTERS } from '../board/system-timer.js';
import { writeWorldSwitch } from '../hypervisor/assembly/world-switch.js';
import { TABLE_SIZE, VCPU_SIZE } from '../hypervisor/shared/layout.js';
import { loadAddress, readMode, type Row, type Value, writeRunner } from './table.js';

/** How often an instruction is repeated where its cost is measured. */
const REPEATED = 64;
const MIB2 = 0x20_0000;
/** Microseconds over which clocks are compared, and for which a core is waited for. */
const [COMPARED, PATIENCE] = [10_000, 100_000];
const CLO = SYSTEM_TIMER_REGISTERS.CLO.offset;

/** HSCTLR without and with MMU and caches; the instruction cache stays on, as the block leaves it. */
const HSCTLR_OFF = (resetOf(reg.HSCTLR) | bits(reg.HSCTLR, { I: 1 })) >>> 0;
const HSCTLR_ON = (HSCTLR_OFF | bits(reg.HSCTLR, { M: 1, C: 1 })) >>> 0;
/** Tables that are not cached; bits 31 and 23 read as one (ARM ARM B4.1, HTCR). */
const HTCR_VALUE = 0x8080_0000;
/** HCPTR: no traps; these bits read as one (ARM ARM B4.1). */
const HCPTR_ONES = 0x33ff;

/** Kinds of memory: MemAttr of HMAIR0, in the order of the index, and shareability (ARM ARM B3.6.2, B4.1). */
const KINDS = [
  { name: 'write-back, shareable', attributes: 0xff, shareability: 3 },
  { name: 'write-back, not shareable', attributes: 0xff, shareability: 0 },
  { name: 'write-through, shareable', attributes: 0xaa, shareability: 3 },
  { name: 'not cacheable', attributes: 0x44, shareability: 3 },
  { name: 'device', attributes: 0x04, shareability: 0 },
  { name: 'strongly ordered', attributes: 0x00, shareability: 0 },
] as const;
const INDEXES = [...new Set<number>(KINDS.map(({ attributes }) => attributes))];
const indexOf = (attributes: number): number => INDEXES.indexOf(attributes);
const HMAIR = [INDEXES.slice(0, 4), INDEXES.slice(4)].map((four) =>
  four.reduce((value, it, i) => (value | (it << (8 * i))) >>> 0, 0),
);
/** Where memory of each kind is tried, 2 MiB each: past what the image takes, below what any split leaves. */
const TRIED = 0x0200_0000;
const triedAt = (kind: number): number => TRIED + kind * MIB2;

/** Descriptors of HYP mode's stage 1, level 1 and 2 (ARM ARM B3.6.1): AF, AP[1] reads as one. */
const [TABLE, BLOCK, ACCESSED, EXECUTE_NEVER_HIGH] = [3, 1, 1 << 10, 1 << 22];
const descriptor = (address: number, attributes: number, shareability: number): number =>
  (address | BLOCK | ACCESSED | (1 << 6) | (shareability << 8) | (indexOf(attributes) << 2)) >>> 0;

/** PMSELR.SEL that means the cycle counter. */
const CYCLE_COUNTER = 31;

const read =
  (register: Extract<Parameters<Assembler['mrc']>[0], { readonly CRn: unknown }>) =>
  (a: Assembler, to: Register): void => {
    a.mrc(register, to);
  };

/** What each core writes down of itself. */
const RECORD = [
  ['CPSR', readMode],
  ['MPIDR', read(reg.MPIDR)],
  ['ACTLR', read(reg.ACTLR)],
  ['HSCTLR', read(reg.HSCTLR)],
  ['CNTFRQ', read(reg.CNTFRQ)],
  ['CNTHP_CTL', read(reg.CNTHP_CTL)],
] as const;
const RECORD_SIZE = 32;

/** Labels of what the rows use. */
interface Parts {
  readonly records: Label;
  readonly secondary: Label;
  readonly tables: Label;
  readonly vcpu: Label;
  readonly scratch: Label;
  /** Stay in HYP mode when R7 is not 0 at an HVC. */
  readonly backFromSvc: Label;
  readonly labelOf: (name: string) => Label;
}

/** Leaves in R0 how many cycles code takes, R4 to R6 changed. */
function measured(a: Assembler, code: () => void): void {
  a.isb();
  a.mrc(reg.PMCCNTR, r4);
  a.isb();
  code();
  a.isb();
  a.mrc(reg.PMCCNTR, r5);
  a.sub(r0, r5, r4);
}

const repeated = (name: string, one: (a: Assembler) => void, before?: (a: Assembler) => void): Row => ({
  name: `${name}, cycles of ${REPEATED}`,
  shown: 'decimal',
  code: (a) => {
    before?.(a);
    measured(a, () => {
      for (let i = 0; i < REPEATED; i++) one(a);
    });
  },
});

/** Turns HYP mode's MMU and caches on. Until they are off nothing is stored but to memory that is tried. */
function switchOn(a: Assembler, parts: Parts): void {
  loadAddress(a, r0, parts.tables);
  a.mov(r1, 0);
  a.mcrr(reg.HTTBR, r0, r1);
  HMAIR.forEach((value, i) => {
    loadWord(a, r0, value);
    a.mcr(i === 0 ? reg.HMAIR0 : reg.HMAIR1, r0);
  });
  loadWord(a, r0, HTCR_VALUE);
  a.mcr(reg.HTCR, r0);
  a.mcr(reg.TLBIALLH, r1);
  a.mcr(reg.BPIALL, r1);
  a.dsb();
  a.isb();
  loadWord(a, r0, HSCTLR_ON);
  a.mcr(reg.HSCTLR, r0);
  a.isb();
}

function switchOff(a: Assembler): void {
  loadWord(a, r2, HSCTLR_OFF);
  a.dsb();
  a.mcr(reg.HSCTLR, r2);
  a.isb();
}

/** What of core `core` was written down; the others are sent for first. */
function coreRows(core: number, parts: Parts): Row[] {
  return RECORD.map(([name], word) => ({
    name: `core ${core}: ${name}`,
    shown: 'hex',
    same: true,
    code: (a) => {
      if (core > 0 && word === 0) sendFor(a, core, parts);
      loadAddress(a, r1, parts.records);
      a.ldr(r0, [r1, core * RECORD_SIZE + 4 * word]);
    },
  }));
}

/** Has a core come as Linux does, and waits until it has written itself down. */
function sendFor(a: Assembler, core: number, parts: Parts): void {
  const [wait, over] = [a.label('wait'), a.label('over')];
  loadWord(a, r1, LOCAL_BASE + LOCAL_MAILBOX3_SET + core * LOCAL_MAILBOX_STRIDE);
  loadAddress(a, r0, parts.secondary);
  a.str(r0, [r1]);
  a.dsb();
  a.sev();
  loadWord(a, r4, SYSTEM_TIMER_BASE + CLO);
  a.ldr(r5, [r4]);
  loadWord(a, r6, PATIENCE);
  loadAddress(a, r2, parts.records);
  a.at(wait);
  a.ldr(r0, [r2, core * RECORD_SIZE]);
  a.cmp(r0, 0);
  a.bne(over);
  a.ldr(r1, [r4]);
  a.sub(r1, r1, r5);
  a.cmp(r1, r6);
  a.blo(wait);
  a.at(over);
}

/** How far a counter comes while the system timer counts so many microseconds. */
const against = (name: string, read: (a: Assembler, to: Register) => void): Row => ({
  name,
  shown: 'decimal',
  code: (a) => {
    const wait = a.label('wait');
    loadWord(a, r4, SYSTEM_TIMER_BASE + CLO);
    loadWord(a, r6, COMPARED);
    a.ldr(r5, [r4]);
    a.dsb();
    a.isb();
    read(a, r2);
    a.at(wait);
    a.ldr(r1, [r4]);
    a.sub(r1, r1, r5);
    a.cmp(r1, r6);
    a.blo(wait);
    a.dsb();
    a.isb();
    read(a, r0);
    a.sub(r0, r0, r2);
  },
});

/** LDREX and STREX of a word: 0 where it was stored, 1 where not. */
function exclusives(a: Assembler): void {
  a.mov(r3, 5);
  a.clrex();
  a.ldrex(r1, [r10]);
  a.strex(r0, r3, [r10]);
  a.dsb();
}

function rowsOf(parts: Parts): Row[] {
  const on = (kind: number) => (a: Assembler) => {
    switchOn(a, parts);
    loadWord(a, r10, triedAt(kind));
    // Into the cache, and its translation.
    a.ldr(r1, [r10]);
    a.dsb();
  };
  const named = (name: string): number => KINDS.findIndex((it) => it.name === name);
  const atWriteBack = on(named('write-back, shareable'));
  return [
    ...Array.from({ length: CORES }, (_, core) => coreRows(core, parts)).flat(),
    ...[
      ['timers: local control', LOCAL_CONTROL] as const,
      ['timers: local prescaler', LOCAL_PRESCALER] as const,
    ].map(([name, offset]): Row => ({
      name,
      shown: 'hex',
      same: true,
      code: (a) => {
        loadWord(a, r1, LOCAL_BASE + offset);
        a.ldr(r0, [r1]);
      },
    })),
    against(`timers: CNTPCT in ${COMPARED / 1000} ms of the system timer`, (a, to) => {
      a.mrrc(reg.CNTPCT, to, r3);
    }),
    against(`PMU: cycles in ${COMPARED / 1000} ms of the system timer`, read(reg.PMCCNTR)),
    repeated('NOP', (a) => {
      a.nop();
    }),
    repeated('DMB', (a) => {
      a.dmb();
    }),
    repeated('DMB ISH', (a) => {
      a.dmb('ISH');
    }),
    repeated('DSB', (a) => {
      a.dsb();
    }),
    repeated('DSB ISH', (a) => {
      a.dsb('ISH');
    }),
    repeated('ISB', (a) => {
      a.isb();
    }),
    repeated(
      'load from the local controller',
      (a) => {
        a.ldr(r1, [r10]);
      },
      (a) => {
        loadWord(a, r10, LOCAL_BASE + LOCAL_CONTROL);
      },
    ),
    repeated(
      'load from the system timer',
      (a) => {
        a.ldr(r1, [r10]);
      },
      (a) => {
        loadWord(a, r10, SYSTEM_TIMER_BASE + CLO);
      },
    ),
    repeated('TLBIALLH and DSB', (a) => {
      a.mcr(reg.TLBIALLH, r1);
      a.dsb();
    }),
    repeated(
      'load, MMU off',
      (a) => {
        a.ldr(r1, [r10]);
      },
      (a) => {
        loadWord(a, r10, triedAt(KINDS.length));
      },
    ),
    repeated(
      'load, write-back',
      (a) => {
        a.ldr(r1, [r10]);
      },
      atWriteBack,
    ),
    repeated(
      'load, not cacheable',
      (a) => {
        a.ldr(r1, [r10]);
      },
      on(named('not cacheable')),
    ),
    repeated(
      'store and DSB, write-back',
      (a) => {
        a.str(r1, [r10]);
        a.dsb();
      },
      atWriteBack,
    ),
    repeated(
      'store, DCCIMVAC and DSB, write-back',
      (a) => {
        a.str(r1, [r10]);
        a.mcr(reg.DCCIMVAC, r10);
        a.dsb();
      },
      atWriteBack,
    ),
    repeated(
      'LDREX and STREX, write-back',
      (a) => {
        a.ldrex(r1, [r10]);
        a.strex(r0, r1, [r10]);
      },
      atWriteBack,
    ),
    {
      name: `HVC to an empty handler and back, cycles of ${REPEATED}`,
      shown: 'decimal',
      code: (a) => {
        const svc = a.label('svc');
        a.mov(r7, 0);
        a.mov(r1, bits(PSR, { A: 1, I: 1, F: 1, M: MODE_SVC }));
        a.msr('SPSR_fsxc', r1);
        loadAddress(a, r1, svc);
        a.msr('ELR_hyp', r1);
        a.eret();
        a.at(svc);
        measured(a, () => {
          for (let i = 0; i < REPEATED; i++) a.hvc(0);
        });
        a.note('This one stays in HYP mode');
        a.mov(r7, 1);
        a.hvc(0);
        a.at(parts.backFromSvc);
      },
    },
    {
      name: 'world switch: save and load, cycles',
      shown: 'decimal',
      code: (a) => {
        loadAddress(a, r8, parts.vcpu);
        loadAddress(a, r9, parts.scratch);
        a.isb();
        a.mrc(reg.PMCCNTR, r1);
        a.str(r1, [r9]);
        a.mov(r0, r8);
        a.bl(parts.labelOf('saveVcpu'));
        a.mov(r0, r8);
        a.bl(parts.labelOf('loadVcpu'));
        a.mrc(reg.PMCCNTR, r0);
        loadAddress(a, r9, parts.scratch);
        a.ldr(r1, [r9]);
        a.sub(r0, r0, r1);
      },
    },
    {
      name: 'world switch: VFP and NEON, save and load, cycles',
      shown: 'decimal',
      code: (a) => {
        loadWord(a, r0, HCPTR_ONES);
        a.mcr(reg.HCPTR, r0);
        a.isb();
        loadAddress(a, r8, parts.vcpu);
        a.mov(r0, r8);
        a.bl(parts.labelOf('parkVfp'));
        a.isb();
        a.mrc(reg.PMCCNTR, r9);
        a.mov(r0, r8);
        a.bl(parts.labelOf('saveVfp'));
        a.mov(r0, r8);
        a.bl(parts.labelOf('loadVfp'));
        a.isb();
        a.mrc(reg.PMCCNTR, r0);
        a.sub(r0, r0, r9);
      },
    },
    {
      name: 'read where nothing is (0x50000000), MMU off',
      shown: 'hex',
      code: (a) => {
        loadWord(a, r10, 0x5000_0000);
        a.ldr(r0, [r10]);
        a.dsb();
      },
    },
    // The last, as a real board may stop at one of them.
    ...KINDS.map(({ name }, kind): Row => ({
      name: `exclusives: ${name}`,
      shown: 'decimal',
      same: true,
      code: (a) => {
        on(kind)(a);
        exclusives(a);
      },
    })),
    {
      name: 'exclusives: MMU off',
      shown: 'decimal',
      same: true,
      code: (a) => {
        loadWord(a, r10, triedAt(KINDS.length));
        exclusives(a);
      },
    },
  ];
}

/** The tables: all is not cacheable but what is tried; the peripherals are devices. */
function writeTables(a: Assembler, tables: Label): void {
  a.org(Math.ceil(a.here / TABLE_SIZE) * TABLE_SIZE);
  a.at(tables);
  const level2 = a.here + TABLE_SIZE;
  a.word((level2 | TABLE) >>> 0, 0);
  a.word(descriptor(LOCAL_BASE, 0x04, 0), EXECUTE_NEVER_HIGH);
  a.org(level2);
  for (let i = 0; i < TABLE_SIZE / 8; i++) {
    const at = i * MIB2;
    const kind = KINDS[i - TRIED / MIB2];
    if (kind) a.word(descriptor(at, kind.attributes, kind.shareability), EXECUTE_NEVER_HIGH);
    else if (at >= PERIPHERAL_BASE) a.word(descriptor(at, 0x04, 0), EXECUTE_NEVER_HIGH);
    else a.word(descriptor(at, 0x44, 3), 0);
  }
}

/** HYP mode's vectors: an abort is the row's, an HVC comes from where its cost is measured. */
function writeVectors(a: Assembler, aborted: Label, { backFromSvc }: Parts): void {
  const [abort, call] = [a.label('abort'), a.label('call')];
  for (const target of [abort, abort, abort, abort, abort, call, abort, abort]) a.b(target);
  a.at(abort);
  a.note('Off before anything is read: what was stored with the caches on is not looked at without them');
  switchOff(a);
  a.mrc(reg.HSR, r0);
  a.b(aborted);
  a.at(call);
  a.cmp(r7, 0);
  a.ereteq();
  a.b(backFromSvc);
}

function writeRecord(a: Assembler, parts: Parts): void {
  a.mrc(reg.MPIDR, r4);
  a.and(r4, r4, CORES - 1);
  loadAddress(a, r5, parts.records);
  a.add(r5, r5, r4, lsl(Math.log2(RECORD_SIZE)));
  a.note('The first word last: it says that the others are there');
  for (let word = RECORD.length - 1; word >= 0; word--) {
    if (word === 0) a.dmb();
    RECORD[word]![1](a, r6);
    a.str(r6, [r5, 4 * word]);
  }
}

/**
 * The code that is entered in HYP mode by core 0, as a kernel is, and that goes on into the hypervisor's file as its kernel.
 * @param origin physical address; below it there is room for a stack
 * @param next physical address of the hypervisor's file
 * @param heading lines in front of the table
 */
export function bareCode(
  origin: number,
  next: number,
  heading: string,
  emulator: ReadonlyMap<string, Value>,
): Uint8Array {
  const a = assembler(origin);
  const labels = new Map<string, Label>();
  const labelOf = (name: string): Label => {
    const label = labels.get(name) ?? a.label(name);
    labels.set(name, label);
    return label;
  };
  const parts: Parts = {
    records: labelOf('records'),
    secondary: labelOf('secondary'),
    tables: labelOf('tables'),
    vcpu: labelOf('vcpu'),
    scratch: labelOf('scratch'),
    backFromSvc: labelOf('back from svc'),
    labelOf,
  };
  const [vectors, setup, run, tree, text] = ['vectors', 'setup', 'run', 'tree', 'heading'].map(labelOf) as [
    Label,
    Label,
    Label,
    Label,
    Label,
  ];
  loadWord(a, sp, origin);
  loadAddress(a, r0, tree);
  a.str(r2, [r0]);
  writeRecord(a, parts);
  loadAddress(a, r0, vectors);
  a.mcr(reg.HVBAR, r0);
  a.note(
    'The cycle counter counts in HYP mode only where its filter says so (ARM ARM B4.1, PMXEVTYPER and PMSELR)',
  );
  a.mov(r0, CYCLE_COUNTER);
  a.mcr(reg.PMSELR, r0);
  a.isb();
  a.mov(r0, bits(reg.PMXEVTYPER, { NSH: 1 }));
  a.mcr(reg.PMXEVTYPER, r0);
  a.mov(r0, bits(reg.PMCR, { E: 1, C: 1 }));
  a.mcr(reg.PMCR, r0);
  a.mov(r0, 1);
  a.lsl(r0, r0, reg.PMCNTENSET.bits.C);
  a.mcr(reg.PMCNTENSET, r0);
  a.isb();
  a.bl(setup);
  loadAddress(a, r0, text);
  a.bl(labelOf('print heading'));
  a.bl(run);
  loadAddress(a, r0, tree);
  a.ldr(r2, [r0]);
  a.mov(r0, 0);
  loadWord(a, r1, MACHINE_TYPE);
  loadWord(a, r3, next);
  a.dsb();
  a.bx(r3);
  writeSerialSetup(a, setup);

  const { print, aborted } = writeRunner(a, run, UART0_BASE, rowsOf(parts), emulator, switchOff);
  a.at(labelOf('print heading'));
  a.b(print);

  a.at(parts.secondary);
  writeRecord(a, parts);
  a.note('Then as in the block: the hypervisor sends for it');
  const wait = a.label('wait');
  loadWord(a, r5, LOCAL_BASE + LOCAL_MAILBOX3_CLR);
  a.add(r5, r5, r4, lsl(Math.log2(LOCAL_MAILBOX_STRIDE)));
  a.at(wait);
  a.ldr(r3, [r5]);
  a.cmp(r3, 0);
  a.wfeeq();
  a.beq(wait);
  a.str(r3, [r5]);
  a.bx(r3);

  a.org(Math.ceil(a.here / 32) * 32);
  a.at(vectors);
  writeVectors(a, aborted, parts);
  writeWorldSwitch(a, labelOf);
  a.at(text);
  a.bytes(new TextEncoder().encode(`${heading}\0`));
  a.org(Math.ceil(a.here / 32) * 32);
  a.at(tree);
  a.word(0);
  a.at(parts.scratch);
  a.word(0);
  a.org(Math.ceil(a.here / 32) * 32);
  a.at(parts.records);
  a.org(a.here + CORES * RECORD_SIZE);
  a.at(parts.vcpu);
  a.org(a.here + VCPU_SIZE);
  writeTables(a, parts.tables);
  return a.assemble();
}
