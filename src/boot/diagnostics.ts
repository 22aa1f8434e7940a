/**
 * The boot block with diagnostics: on each core the same instructions as the block's, and between them letters on the
 * serial port (steps.ts), one core after the other. It has 32 KiB at address 0, as a stub, too.
 *
 * Its low 256 bytes are the exception vectors, the loop in which cores wait for the kernel, and the block's tag and words at
 * their places. All else stands high: below may be a device tree, and the kernel's first page tables come to lie
 * there, when only the loop is still run.
 */
import type { Assembler } from '../isa/assembler.js';
import { assembler } from '../isa/assembler.js';
import { bits } from '../isa/bits.js';
import { loadWord } from '../isa/load-word.js';
import { MODE_HYP, MODE_SVC } from '../isa/program-status.js';
import type { Label } from '../isa/registers.js';
import { lr, lsl, pc, r0, r1, r10, r11, r12, r2, r3, r4, r5, r6, r7, r8, r9, sp } from '../isa/registers.js';
import * as reg from '../isa/system-registers.js';
import { CORES, MACHINE_TYPE } from '../board/bcm2836.js';
import { SYSTEM_TIMER_BASE, SYSTEM_TIMER_REGISTERS } from '../board/system-timer.js';
import {
  CONSTANTS,
  KERNEL_OFFSET,
  writeCoherency,
  writeCoreNumber,
  writeCounter,
  writeData,
  writeLoadConstants,
  writeMailboxes,
  writeNonSecureRegisters,
  writeSecureRegisters,
  writeToMonitor,
  writeWait,
  type BlockAddresses,
} from './block.js';
import { speech, type Speech } from './speech.js';
import { BLOCK_BEGINS, BLOCK_STEPS as STEP, EXCEPTIONS, SAYINGS } from './steps.js';

/** Where its code stands: above every tree that ends where the kernel's page tables begin. */
export const DIAGNOSTICS_AT = 0x7000;
/** Where it ends, at the latest: the hypervisor's start may copy code to there (src/hypervisor/assembly/split.ts). */
const DIAGNOSTICS_END = 0x7f00;
/** For each core, what its registers hold while it says a letter. */
const LOG2_OF_AREA = 6;
const AREAS_AT = DIAGNOSTICS_END - (CORES << LOG2_OF_AREA);

/** Behind the vectors: where a core ends its turn and waits. */
const LAST_TURN_AT = 0x20;

/** Microseconds for which core 0 waits for each of the others, and, at the least, they for it: an emulator may be busy. */
const [PATIENCE_FOR_OTHERS, PATIENCE_FOR_CORE_0] = [4_000_000, 20_000_000];
/** Of microseconds, 33 ms; a core says some 50 characters, 4 ms. */
const LOG2_OF_TURN = 15;
/** Microseconds over which the counter is looked at: 1920 of its ticks. */
const COUNTED = 100;
const MODE_BITS = 0x1f;
/** N, Z, C and V are the code's here. */
const FLAGS = 0xf000_0000;
/** First word of a tree, as it is read here (Devicetree Specification 0.4, 5.2); second of ATAGS (booting.rst, 4a). */
const [TREE_MAGIC, ATAG_CORE] = [0xedfe_0dd0, 0x5441_0001];
/** Registers that a core's steps have in use while a letter is said. */
const IN_USE = [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr] as const;
/** How far LR is behind the instruction that was to be executed, by the vector (ARM ARM table B1-7). */
const [DATA_ABORT, DATA_ABORT_LR, OTHER_LR] = [4, 8, 4] as const;

/** Labels that more than one part of it uses. */
interface Places {
  readonly start: Label;
  readonly probe: Label;
  readonly nonSecure: Label;
  readonly stuck: Label;
  readonly wait: Label;
}

/** The vectors; what comes before the loop is the end of the core's turn, as the rest may be gone then. */
function writeLow(a: Assembler, { start, wait }: Places, vectors: readonly Label[]): void {
  a.b(start);
  for (const vector of vectors) a.b(vector);
  a.org(LAST_TURN_AT);
  a.dsb();
  a.str(r5, [r6]);
  a.dsb();
  writeWait(a, wait);
}

/** Whose turn it is, and what is said first. */
function writeBegin(a: Assembler, say: Speech): void {
  const [others, mine] = [a.label('others'), a.label('my turn')];
  a.note('Exceptions come to the vectors here, in whatever state the core is');
  a.mov(r0, 0);
  a.mcr(reg.VBAR, r0);
  a.isb();
  writeCoreNumber(a);
  a.bne(others);
  say.clearTurns();
  say.open();
  say.text(`\r\n${BLOCK_BEGINS}\r\n`);
  a.b(mine);
  a.at(others);
  a.sub(r1, r10, 1);
  a.mov(r0, 1);
  a.lsl(r0, r0, r1);
  loadWord(a, r1, PATIENCE_FOR_CORE_0);
  a.note('Some time more for each, in which one has said all, so that they do not speak at once');
  a.add(r1, r1, r10, lsl(LOG2_OF_TURN));
  say.awaitTurn();
  a.bne(mine);
  say.open();
  say.text(`\r\n${SAYINGS.silent.text}\r\n`);
  a.at(mine);
  say.core();
  say.text(` ${STEP.runs.letter}`);
}

/** What the firmware has left; anything but Secure SVC mode at address 0 is said, and the core stays. */
function writeChecks(a: Assembler, say: Speech, { start, probe, nonSecure, stuck }: Places): void {
  const [atPlace, isSvc, isHyp] = [a.label('at its place'), a.label('is SVC'), a.label('is HYP')];
  a.adr(r5, start);
  loadWord(a, r6, DIAGNOSTICS_AT);
  a.cmp(r5, r6);
  a.beq(atPlace);
  say.text(` ${SAYINGS.moved.text}`);
  a.b(stuck);
  a.at(atPlace);
  a.mrs(r5, 'CPSR');
  a.and(r6, r5, MODE_BITS);
  a.cmp(r6, MODE_SVC);
  a.beq(isSvc);
  a.cmp(r6, MODE_HYP);
  a.beq(isHyp);
  say.text(` ${SAYINGS.mode.text}`);
  a.bic(r5, r5, FLAGS);
  say.hex(r5);
  a.b(stuck);
  a.at(isHyp);
  say.text(` ${SAYINGS.hyp.text}`);
  a.b(stuck);
  a.at(isSvc);
  say.letter(STEP.svc.letter);
  a.note('UNDEFINED in Non-secure state (ARM ARM B4.1, SCR): the vector knows the place');
  a.at(probe);
  a.mrc(reg.SCR, r5);
  a.tst(r5, bits(reg.SCR, { NS: 1 }));
  const secure = a.label('secure');
  a.beq(secure);
  a.at(nonSecure);
  say.text(` ${SAYINGS.nonSecure.text}`);
  a.b(stuck);
  a.at(secure);
  say.letter(STEP.secure.letter);
}

/** A letter while the block's registers are in use, which SP has a place for. */
function keeping(a: Assembler, say: Speech, letter: string): void {
  a.stm(sp, IN_USE);
  say.letter(letter);
  a.ldm(sp, IN_USE);
}

/** The block's own instructions, up to where cores part. */
function writeSteps(a: Assembler, say: Speech): void {
  writeCoherency(a);
  say.letter(STEP.coherent.letter);
  writeToMonitor(a);
  writeCoreNumber(a);
  loadWord(a, r0, AREAS_AT);
  a.add(sp, r0, r10, lsl(LOG2_OF_AREA));
  say.letter(STEP.monitor.letter);
  a.mov(r0, CONSTANTS);
  writeLoadConstants(a);
  writeSecureRegisters(a);
  keeping(a, say, STEP.secureSet.letter);
  writeNonSecureRegisters(a);
  keeping(a, say, STEP.nonSecureSet.letter);
}

/** To HYP mode, and on behind. */
function writeToHyp(a: Assembler): void {
  const hyp = a.label('in HYP mode');
  a.adr(lr, hyp);
  a.movs(pc, lr);
  a.at(hyp);
}

/** Core 0, when it is in HYP mode: R12 has the tree, R11 the kernel. */
function writeKernelStart(a: Assembler, say: Speech): void {
  say.letter(STEP.hyp.letter);
  say.text(' in HYP mode\r\n');
  say.endTurn();
  for (let n = 1; n < CORES; n++) {
    const came = a.label('came');
    a.mov(r0, 1 << n);
    loadWord(a, r1, PATIENCE_FOR_OTHERS);
    say.awaitTurn();
    a.bne(came);
    say.text(`${n}${SAYINGS.absent.text}\r\n`);
    say.endTurnOf(n);
    a.at(came);
  }
  say.text('0 ');
  writeCounterCheck(a, say);
  writeTreeCheck(a, say);
  say.letter(STEP.kernel.letter);
  say.text(' tree at ');
  say.hex(r12);
  say.text(', kernel at ');
  say.hex(r11);
  say.text(', its first word ');
  a.ldr(r5, [r11]);
  say.hex(r5);
  say.text('\r\n');
  a.mov(r5, r11);
  say.close();
  say.clearTurns();
  a.mov(r0, 0);
  loadWord(a, r1, MACHINE_TYPE);
  a.mov(r2, r12);
  a.bx(r5);
}

function writeCounterCheck(a: Assembler, say: Speech): void {
  const [look, counts, over] = [a.label('look'), a.label('counts'), a.label('over')];
  a.mrrc(reg.CNTPCT, r5, r6);
  loadWord(a, r2, SYSTEM_TIMER_BASE + SYSTEM_TIMER_REGISTERS.CLO.offset);
  a.dsb();
  a.ldr(r3, [r2]);
  a.at(look);
  a.ldr(r4, [r2]);
  a.sub(r4, r4, r3);
  a.cmp(r4, COUNTED);
  a.blo(look);
  a.dsb();
  a.isb();
  a.mrrc(reg.CNTPCT, r7, r8);
  a.cmp(r5, r7);
  a.bne(counts);
  say.text(`${SAYINGS.still.text}\r\n0 `);
  a.b(over);
  a.at(counts);
  say.letter(STEP.counts.letter);
  a.at(over);
}

function writeTreeCheck(a: Assembler, say: Speech): void {
  const [there, none, over] = [a.label('there'), a.label('none'), a.label('over')];
  const matches = (offset: number, value: number): void => {
    a.ldr(r0, [r12, offset]);
    loadWord(a, r1, value);
    a.cmp(r0, r1);
    a.beq(there);
  };
  a.tst(r12, 3);
  a.bne(none);
  matches(0, TREE_MAGIC);
  matches(4, ATAG_CORE);
  a.at(none);
  say.text(`${SAYINGS.noTree.text}\r\n0 `);
  a.b(over);
  a.at(there);
  say.letter(STEP.tree.letter);
  a.at(over);
}

/** A core that goes no further: the others do. */
function writeStuck(a: Assembler, say: Speech, stuck: Label): void {
  const sleep = a.label('sleep');
  a.at(stuck);
  say.text('\r\n');
  say.endTurn();
  a.at(sleep);
  a.wfi();
  a.b(sleep);
}

/** What the vectors go to; R9 has the vector's place in the table. */
function writeExceptions(
  a: Assembler,
  say: Speech,
  { probe, nonSecure, stuck }: Places,
  vectors: readonly Label[],
): void {
  const [taken, probeWord] = [a.label('exception'), a.label('word of probe')];
  const [toHyp, known, isOther] = [a.label('to HYP mode'), a.label('pc known'), a.label('is other')];
  vectors.forEach((vector, i) => {
    a.at(vector);
    a.mov(r11, i + 1);
    a.b(taken);
  });
  a.at(taken);
  a.mrs(r5, 'CPSR');
  a.and(r5, r5, MODE_BITS);
  a.mrs(r8, 'SPSR');
  a.cmp(r5, MODE_HYP);
  a.beq(toHyp);
  a.cmp(r11, DATA_ABORT);
  a.subeq(r7, lr, DATA_ABORT_LR);
  a.subne(r7, lr, OTHER_LR);
  a.ldr(r6, probeWord);
  a.cmp(r6, r7);
  a.beq(nonSecure);
  a.b(known);
  a.at(toHyp);
  a.mrs(r7, 'ELR_hyp');
  a.at(known);
  say.text(SAYINGS.exception.text);
  for (const [vector, name] of Object.entries(EXCEPTIONS)) {
    const other = a.label('another');
    a.cmp(r11, Number(vector));
    a.bne(other);
    say.text(name);
    a.at(other);
  }
  say.text(', core ');
  say.core();
  say.text(', pc ');
  say.hex(r7);
  say.text(', SPSR ');
  say.hex(r8);
  a.cmp(r5, MODE_HYP);
  a.bne(isOther);
  say.text(', HSR ');
  a.mrc(reg.HSR, r5);
  say.hex(r5);
  a.at(isOther);
  a.b(stuck);
  a.at(probeWord);
  a.word(probe);
}

function writeDiagnostics(a: Assembler, addresses: BlockAddresses): void {
  const label = (name: string): Label => a.label(name);
  const places: Places = {
    start: label('start'),
    probe: label('probe'),
    nonSecure: label('not secure'),
    stuck: label('stuck'),
    wait: label('wait'),
  };
  const vectors = Object.values(EXCEPTIONS).map((name) => label(name));
  const say = speech(a);
  writeLow(a, places, vectors);
  writeData(a, label('constants'), addresses);

  a.org(DIAGNOSTICS_AT);
  a.at(places.start);
  writeBegin(a, say);
  writeChecks(a, say, places);
  writeSteps(a, say);
  const secondary = label('secondary');
  writeCoreNumber(a);
  a.bne(secondary);
  writeCounter(a);
  keeping(a, say, STEP.counter.letter);
  a.mov(r11, lr);
  writeToHyp(a);
  writeKernelStart(a, say);

  a.at(secondary);
  writeToHyp(a);
  say.letter(STEP.hyp.letter);
  say.text(' in HYP mode, waits for the kernel\r\n');
  writeMailboxes(a);
  say.turn(r5, r6);
  a.note('Absolute, as this is out of the reach of ADR');
  a.mov(r0, LAST_TURN_AT);
  a.bx(r0);
  writeStuck(a, say, places.stuck);
  writeExceptions(a, say, places, vectors);
  say.routines();
  a.org(AREAS_AT);
  a.org(DIAGNOSTICS_END);
}

/**
 * The block with diagnostics, as a stub for `armstub=`.
 * @param addresses what it hands over where no firmware writes its own addresses in: 0x100 and 0x8000 unless said
 */
export function buildDiagnosticStub(addresses: BlockAddresses = {}): Uint8Array<ArrayBuffer> {
  const a = assembler();
  writeDiagnostics(a, addresses);
  return new Uint8Array(a.assemble());
}

/**
 * The same padded with zeros to 32 KiB, to be put in front of a kernel under `kernel_old=1`.
 * @param tree physical address of the device tree or ATAGS
 */
export function buildDiagnosticBlock(tree: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(KERNEL_OFFSET);
  block.set(buildDiagnosticStub({ tree }));
  return block;
}
