/** HYP mode's vectors, and how each core comes to them. */
import type { Assembler } from '../../isa/assembler.js';
import { loadWord } from '../../isa/load-word.js';
import { bits, resetOf } from '../../isa/bits.js';
import type { Label } from '../../isa/registers.js';
import { lr, lsl, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, sp } from '../../isa/registers.js';
import * as reg from '../../isa/system-registers.js';
import { CORES } from '../../board/bcm2836.js';
import { COPY_STEP, CORE_SIZE, STACK_SIZE } from '../shared/layout.js';

import type { Speech } from '../../boot/speech.js';
import { HYPERVISOR_STEPS as STEP } from '../../boot/steps.js';
import {
  writeBegun,
  writeFaultWords,
  writeSerialMapping,
  writeSwitchedOn,
  writeTurn,
} from './diagnostics.js';

type LabelOf = (symbol: string) => Label;

const FRAME = [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr] as const;

/** Vectors of exceptions from HYP mode itself, which only a fault of the hypervisor's can take (table B1-3). */
export const FAULTS = ['reset', 'undefined', 'call', 'prefetchAbort', 'dataAbort'] as const;
/** The rest of the table, in its order. */
export const TRAPS = ['trap', 'irq', 'fiq'] as const;

/** HSR's DFSC of an asynchronous external abort; that of one by parity has a bit more (ARM ARM table B3-24). */
const ASYNCHRONOUS = 0b010001;
const ASYNCHRONOUS_MASK = 0b110111;

/** HMAIR0: attribute 0 is Normal memory, written back, 1 is Device memory, 2 Normal memory, uncached (ARM ARM B4.1). */
const HMAIR0_VALUE = 0x44_04ff;
/** Tables inner shareable and cached, T0SZ 0; bits 31 and 23 read as one (ARM ARM B4.1, HTCR). */
const HTCR_VALUE = (0x8080_0000 | bits(reg.HTCR, { SH0: 3, ORGN0: 1, IRGN0: 1 })) >>> 0;
/** As it leaves reset, with MMU and caches on. */
const HSCTLR_VALUE = (resetOf(reg.HSCTLR) | bits(reg.HSCTLR, { M: 1, C: 1, I: 1 })) >>> 0;

/**
 * Writes the vector table, which begins at a multiple of 32: a trap pushes the vcpu's frame where SP_hyp is, at its
 * structure, goes on on the core's own stack, and returns to the vcpu that it is told.
 * @param say where faults are said on the serial port, too
 */
export function writeVectors(a: Assembler, labelOf: LabelOf, say?: Speech): void {
  const [resume, faulted, stuck] = [labelOf('resume'), labelOf('faulted'), labelOf('stuck')];
  for (const name of FAULTS) a.b(labelOf(`enter.${name}`));
  for (const name of TRAPS) a.b(labelOf(`enter.${name}`));

  FAULTS.forEach((name, vector) => {
    a.at(labelOf(`enter.${name}`));
    if (name === 'dataAbort') {
      a.note(
        "Asynchronous, by parity or not: some vcpu's, in the window of `takeAborts`, the only one there is",
      );
      a.mrc(reg.HSR, r1);
      a.and(r1, r1, ASYNCHRONOUS_MASK);
      a.cmp(r1, ASYNCHRONOUS);
      a.moveq(r0, 1);
      a.ereteq();
    }
    a.mov(r0, vector);
    a.b(faulted);
  });
  a.at(faulted);
  if (say) writeFaultWords(a, say, FAULTS);
  a.note('A fault of the hypervisor itself: SP may be anything, so the stack is taken from its top');
  a.mrc(reg.HTPIDR, r2);
  a.mov(sp, r2);
  a.mrs(r1, 'ELR_hyp');
  a.bl(labelOf('fault'));
  a.note('The core stays here');
  a.at(stuck);
  a.wfi();
  a.b(stuck);

  // The most frequent ones are last, and fall through.
  for (const name of TRAPS.toReversed()) {
    a.at(labelOf(`enter.${name}`));
    a.push(FRAME);
    a.mov(r0, sp);
    a.mrc(reg.HTPIDR, r1);
    a.mov(sp, r1);
    a.bl(labelOf(name));
    if (name !== TRAPS[0]) a.b(resume);
  }
  a.at(resume);
  a.note('R0: the vcpu to go on with');
  a.mov(sp, r0);
  a.pop(FRAME);
  a.at(labelOf('leaving'));
  a.note(
    "A compare-exchange of the hypervisor's that failed leaves the monitor open; a return does not close it",
  );
  a.clrex();
  a.eret();
}

/**
 * Writes where core 0 begins, `entry`, with the host's tree in R0, its kernel in R1 and where that goes in R2, and the
 * others, `secondaryEntry`: HYP mode, MMU and caches off.
 * @param say where the steps are said on the serial port
 */
export function writeEntry(a: Assembler, labelOf: LabelOf, say?: Speech): void {
  const [common, zero] = [a.label('common'), a.label('zero')];
  const at = (symbol: string, to: Parameters<Assembler['ldr']>[0]): void => {
    a.ldr(to, labelOf(`word.${symbol}`));
  };
  const joinCoherency = (): void => {
    a.note('Before a cache is on or maintained (TRM, ACTLR), where Secure state lets Non-secure state');
    a.mrc(reg.ACTLR, r3);
    a.orr(r3, r3, bits(reg.ACTLR, { SMP: 1 }));
    a.mcr(reg.ACTLR, r3);
  };

  a.at(labelOf('entry'));
  a.note('Whatever is pending waits, aborts too, until somebody may have it');
  a.cpsid('aif');
  a.mov(r6, r0);
  a.mov(r7, r1);
  a.mov(r8, r2);
  a.mov(r5, 0);
  joinCoherency();
  say?.open();
  say?.letter(STEP.entered.letter);
  a.mov(r0, LEVEL_2);
  a.bl(labelOf('invalidateCache'));
  at('zeroFrom', r1);
  at('zeroTo', r2);
  a.mov(r3, 0);
  a.at(zero);
  a.str(r3, [r1], 4);
  a.cmp(r1, r2);
  a.bne(zero);
  say?.letter(STEP.cleared.letter);
  at('stacks', sp);
  a.add(sp, sp, STACK_SIZE - CORE_SIZE);
  a.mov(r0, r6);
  a.mov(r1, r7);
  a.mov(r2, r8);
  a.bl(labelOf('prepare'));
  a.mov(r6, r0);
  if (say) writeSerialMapping(a, labelOf, say);
  a.b(common);

  a.at(labelOf('secondaryEntry'));
  joinCoherency();
  a.mrc(reg.MPIDR, r5);
  a.and(r5, r5, CORES - 1);
  if (say) writeTurn(a, say);

  a.at(common);
  at('stacks', r4);
  a.add(r4, r4, r5, lsl(Math.log2(STACK_SIZE)));
  a.add(r4, r4, STACK_SIZE - CORE_SIZE);
  a.mov(sp, r4);
  a.mcr(reg.HTPIDR, r4);
  at('vectors', r0);
  a.mcr(reg.HVBAR, r0);
  at('hypTables', r0);
  a.mov(r1, 0);
  a.mcrr(reg.HTTBR, r0, r1);
  loadWord(a, r0, HTCR_VALUE);
  a.mcr(reg.HTCR, r0);
  loadWord(a, r0, HMAIR0_VALUE);
  a.mcr(reg.HMAIR0, r0);
  a.note(
    'Nothing of before counts any more, and with ICIALLU no branch that was predicted (Linux, proc-v7.S)',
  );
  a.mov(r0, LEVEL_1);
  a.bl(labelOf('invalidateCache'));
  a.mcr(reg.TLBIALLH, r1);
  a.mcr(reg.ICIALLU, r1);
  a.dsb();
  a.isb();
  say?.letter(STEP.ready.letter);
  loadWord(a, r0, HSCTLR_VALUE);
  a.mcr(reg.HSCTLR, r0);
  a.isb();
  if (say) writeSwitchedOn(a, say);
  a.mov(r0, r5);
  a.mov(r1, r6);
  a.mov(r2, r8);
  a.bl(labelOf('beginCore'));
  if (say) writeBegun(a, labelOf, say);
  a.b(labelOf('resume'));

  for (const symbol of ['zeroFrom', 'zeroTo', 'stacks', 'vectors', 'hypTables']) {
    a.at(labelOf(`word.${symbol}`));
    a.word(labelOf(symbol));
  }
}

/** CSSELR: the data cache of a level. */
const LEVEL_1 = 0;
const LEVEL_2 = bits(reg.CSSELR, { Level: 1 });

/**
 * Writes `invalidateCache(level)`, by set and way, for who has the cache off and nothing in it (ARM ARM B2.2.6; the
 * geometry by CCSIDR). Changes R0 to R4 and R9 to R11.
 */
export function writeInvalidation(a: Assembler, labelOf: LabelOf): void {
  const [nextWay, nextSet] = [a.label('next way'), a.label('next set')];
  a.at(labelOf('invalidateCache'));
  a.mcr(reg.CSSELR, r0);
  a.isb();
  a.mrc(reg.CCSIDR, r1);
  a.note('R2: sets, R3: ways, each less one');
  field(a, r2, 'NumSets');
  field(a, r3, 'Associativity');
  a.note('Where ways and sets stand in the operand (B4.2.1)');
  a.clz(r4, r3);
  field(a, r1, 'LineSize');
  a.add(r1, r1, LOG2_OF_SMALLEST_LINE);
  a.at(nextWay);
  a.mov(r9, r2);
  a.orr(r10, r0, r3, lsl(r4));
  a.at(nextSet);
  a.orr(r11, r10, r9, lsl(r1));
  a.mcr(reg.DCISW, r11);
  a.subs(r9, r9, 1);
  a.bpl(nextSet);
  a.subs(r3, r3, 1);
  a.bpl(nextWay);
  a.dsb();
  a.bx(lr);
}
/** Of 4 words, which LineSize counts from. */
const LOG2_OF_SMALLEST_LINE = 4;

/** A field of CCSIDR, which is in R1. */
function field(a: Assembler, to: Parameters<Assembler['movw']>[0], name: keyof typeof reg.CCSIDR.bits): void {
  const [high, low] = reg.CCSIDR.bits[name] as readonly [number, number];
  a.ubfx(to, r1, low, high - low + 1);
}

/**
 * Writes `clear(address, bytes)` and `copy(to, from, bytes)`, in steps of COPY_STEP bytes. `bytes` of `clear` is a multiple
 * of that; of `copy` it is rounded up. `move(to, from, bytes)` copies just so many, and aligned or not, by LDR and STR, which
 * need not be (HSCTLR.A is 0).
 */
export function writeMemory(a: Assembler, labelOf: LabelOf): void {
  const [clearing, copying] = [a.label('clearing'), a.label('copying')];
  const block = [r4, r5, r6, r7, r8, r9, r10, r11] as const;
  a.at(labelOf('clear'));
  a.push(block);
  for (const register of block) a.mov(register, 0);
  a.at(clearing);
  a.subs(r1, r1, COPY_STEP);
  a.stmhs(r0, '!', block);
  a.bhi(clearing);
  a.pop(block);
  a.bx(lr);

  a.at(labelOf('copy'));
  a.push(block);
  a.cmp(r2, 0);
  a.at(copying);
  a.ldmhi(r1, '!', block);
  a.stmhi(r0, '!', block);
  a.subshi(r2, r2, COPY_STEP);
  a.bhi(copying);
  a.pop(block);
  a.bx(lr);

  const [moving, words, word, byte, moved] = ['moving', 'words', 'word', 'byte', 'moved'].map((it) =>
    a.label(it),
  ) as [Label, Label, Label, Label, Label];
  a.at(labelOf('move'));
  a.push(block);
  a.orr(r3, r0, r1);
  a.tst(r3, 3);
  a.bne(words);
  a.subs(r2, r2, COPY_STEP);
  a.at(moving);
  a.ldmhs(r1, '!', block);
  a.stmhs(r0, '!', block);
  a.subshs(r2, r2, COPY_STEP);
  a.bhs(moving);
  a.add(r2, r2, COPY_STEP);
  a.at(words);
  a.subs(r2, r2, 4);
  a.at(word);
  a.ldrhs(r3, [r1], 4);
  a.strhs(r3, [r0], 4);
  a.subshs(r2, r2, 4);
  a.bhs(word);
  a.adds(r2, r2, 4);
  a.at(byte);
  a.beq(moved);
  a.ldrb(r3, [r1], 1);
  a.strb(r3, [r0], 1);
  a.subs(r2, r2, 1);
  a.b(byte);
  a.at(moved);
  a.pop(block);
  a.bx(lr);
}
