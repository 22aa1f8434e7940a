/**
 * A request to the firmware by code that needs nothing but memory at physical addresses: MMU and data cache off (Raspberry Pi
 * documentation, "Mailbox property interface").
 */
import type { Assembler } from '../isa/assembler.js';
import { loadWord } from '../isa/load-word.js';
import type { Label, Register } from '../isa/registers.js';
import { UNCACHED_ALIAS } from '../board/bcm2836.js';
import { CHANNEL, MAILBOX_BASE, MAILBOX_REGISTERS } from '../board/mailbox.js';

/** Looks at a register before an answer is given up: some tenths of a second. */
const PATIENCE = 1 << 20;
/** Bits of a message that name its channel. */
const CHANNELS = 0xf;

/** What the code uses; all but `buffer` change. */
export interface RequestRegisters {
  /** Has the address of the request, a multiple of 16. */
  readonly buffer: Register;
  readonly mailbox: Register;
  readonly patience: Register;
  readonly word: Register;
}

/**
 * Sends the request, and goes on when its answer is in the buffer.
 * @param silent where to go on when none comes
 */
export function writePropertyRequest(
  a: Assembler,
  { buffer, mailbox, patience, word }: RequestRegisters,
  silent: Label,
): void {
  const [full, wait] = [a.label('mailbox full'), a.label('mailbox empty')];
  const { MAIL0_READ, MAIL0_STATUS, MAIL1_WRITE, MAIL1_STATUS } = MAILBOX_REGISTERS;
  loadWord(a, mailbox, MAILBOX_BASE);
  loadWord(a, patience, PATIENCE);
  a.at(full);
  a.subs(patience, patience, 1);
  a.beq(silent);
  a.ldr(word, [mailbox, MAIL1_STATUS.offset]);
  a.tst(word, MAIL1_STATUS.bits.FULL);
  a.bne(full);
  a.note('The buffer is there before it is sent');
  a.dsb();
  a.orr(word, buffer, UNCACHED_ALIAS);
  a.orr(word, word, CHANNEL.PROPERTY);
  a.str(word, [mailbox, MAIL1_WRITE.offset]);
  a.at(wait);
  a.subs(patience, patience, 1);
  a.beq(silent);
  a.ldr(word, [mailbox, MAIL0_STATUS.offset]);
  a.tst(word, MAIL0_STATUS.bits.EMPTY);
  a.bne(wait);
  a.ldr(word, [mailbox, MAIL0_READ.offset]);
  a.note('The answer is read behind the message that it is there');
  a.dsb();
  a.and(word, word, CHANNELS);
  a.cmp(word, CHANNEL.PROPERTY);
  a.bne(wait);
}
