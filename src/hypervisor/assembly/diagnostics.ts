/**
 * What the hypervisor with diagnostics says on the board's serial port: its steps (src/boot/steps.ts), core by core, up to
 * where the host's kernel begins, and its own faults at any time. Without diagnostics none of this is in the image.
 */
import type { Assembler } from '../../isa/assembler.js';
import { bits } from '../../isa/bits.js';
import { loadWord } from '../../isa/load-word.js';
import { MODE_HYP, PSR } from '../../isa/program-status.js';
import type { Label } from '../../isa/registers.js';
import { r0, r1, r2, r3, r5, r6, r7 } from '../../isa/registers.js';
import * as reg from '../../isa/system-registers.js';
import { UART0_BASE } from '../../board/bcm2836.js';
import { HYPERVISOR_BEGINS, HYPERVISOR_STEPS as STEP, SAYINGS } from '../../boot/steps.js';
import type { Speech } from '../../boot/speech.js';
import { TABLE_SIZE } from '../shared/layout.js';
import { TEXTS } from '../shared/messages.js';

type LabelOf = (symbol: string) => Label;

/** 2 MiB around GPIO and PL011, as the descriptors of own-map.ts map devices: block, AF, attribute 1, AP[1]; XN is bit 54. */
const MIB2 = 0x20_0000;
const SERIAL_BLOCK = UART0_BASE & ~(MIB2 - 1);
const [DEVICE_BLOCK, EXECUTE_NEVER_HIGH] = [1 | (1 << 10) | (1 << 2) | (1 << 6), 1 << 22];
/** Where its descriptor stands in the low level 2, the second of HYP mode's tables. */
const SERIAL_DESCRIPTOR = TABLE_SIZE + 8 * ((SERIAL_BLOCK / MIB2) % 512);
/** A core waits a quarter of a second for each of those before it, together less than core 0 waits for it (body/start.ts). */
const LOG2_OF_PATIENCE = 18;
/** N, Z, C and V are the code's here. */
const FLAGS = 0xf000_0000;
const ARRIVALS = 'arrivals';

/** The first words, in the start where the file lies: only HYP mode goes further. It may change R0 to R4 and R9 to R11. */
export function writeStartOfSpeech(a: Assembler, say: Speech): void {
  const [isHyp, sleep] = [a.label('is HYP mode'), a.label('sleep')];
  say.open();
  say.text(`${HYPERVISOR_BEGINS}\r\n0 `);
  a.mrs(r5, 'CPSR');
  a.and(r6, r5, bits(PSR, { M: 0x1f }));
  a.cmp(r6, MODE_HYP);
  a.beq(isHyp);
  say.text(SAYINGS.notHyp.text);
  a.bic(r5, r5, FLAGS);
  say.hex(r5);
  say.text('\r\n');
  a.at(sleep);
  a.wfi();
  a.b(sleep);
  a.at(isHyp);
  say.letter(STEP.runs.letter);
}

/** The serial port is mapped, and what is mapped is said. Changes R0 to R4. */
export function writeSerialMapping(a: Assembler, labelOf: LabelOf, say: Speech): void {
  say.letter(STEP.moved.letter);
  a.ldr(r1, labelOf('word.hypTables'));
  loadWord(a, r2, SERIAL_DESCRIPTOR);
  a.add(r1, r1, r2);
  loadWord(a, r2, (SERIAL_BLOCK | DEVICE_BLOCK) >>> 0);
  loadWord(a, r3, EXECUTE_NEVER_HIGH);
  a.stm(r1, [r2, r3]);
  a.dsb();
}

/** Another core's turn to speak, when it comes; its number is in R5. */
export function writeTurn(a: Assembler, say: Speech): void {
  a.sub(r1, r5, 1);
  a.mov(r0, 1);
  a.lsl(r0, r0, r1);
  a.lsl(r1, r5, LOG2_OF_PATIENCE);
  say.awaitTurn();
  say.core();
  say.text(` ${STEP.entered.letter}`);
}

/** MMU and caches are on; the core's turn is over. */
export function writeSwitchedOn(a: Assembler, say: Speech): void {
  say.text(`${STEP.mapped.letter}\r\n`);
  say.endTurn();
}

/** Core 0, number in R5, before the host's kernel: the last words. R0, the vcpu, stays. */
export function writeBegun(a: Assembler, labelOf: LabelOf, say: Speech): void {
  const at = a.label('word of arrivals');
  a.cmp(r5, 0);
  a.bne(labelOf('resume'));
  a.mov(r6, r0);
  say.text(`0 ${STEP.made.letter} `);
  a.ldr(r7, at);
  a.ldr(r7, [r7]);
  say.digit(r7);
  say.text(" cores in HYP mode; the host's kernel is entered\r\n");
  say.close();
  say.clearTurns();
  a.mov(r0, r6);
  a.b(labelOf('resume'));
  a.at(at);
  a.word(labelOf(ARRIVALS));
}

/** A fault of the hypervisor's, its vector in R0, which stays; the rest goes on to its console. */
export function writeFaultWords(a: Assembler, say: Speech, faults: readonly string[]): void {
  const names: Readonly<Record<string, string>> = { ...TEXTS, reset: TEXTS.resetVector };
  a.mov(r5, r0);
  a.mrs(r6, 'ELR_hyp');
  say.text(`\r\n${SAYINGS.exception.text}`);
  faults.forEach((name, vector) => {
    const other = a.label('another');
    a.cmp(r5, vector);
    a.bne(other);
    say.text(names[name]!);
    a.at(other);
  });
  say.text(', core ');
  say.core();
  say.text(', pc ');
  say.hex(r6);
  a.mrs(r6, 'SPSR');
  say.text(', SPSR ');
  say.hex(r6);
  a.mrc(reg.HSR, r6);
  say.text(', HSR ');
  say.hex(r6);
  say.text('\r\n');
  a.mov(r0, r5);
}
