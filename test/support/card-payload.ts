/** A payload that works with the card in the slot, as a system would: by SDHOST, block by block. */
import { CORES, UART0_BASE } from '../../src/board/bcm2836.js';
import { CARD_PINS, GPIO_BASE, GPIO_REGISTERS, PIN_FUNCTION } from '../../src/board/gpio.js';
import { PL011_REGISTERS } from '../../src/board/pl011.js';
import { SDHOST_REGISTERS } from '../../src/board/sdhost.js';
import { CARD_STATUS } from '../../src/board/sd-state.js';
import { assembler } from '../../src/isa/assembler.js';
import { lr, r0, r1, r2, r3, r4, r5, r6, r7, type Label } from '../../src/isa/registers.js';
import { MPIDR } from '../../src/isa/system-registers.js';
import { SECTOR_SIZE } from '../../src/ports/disk.js';
import { HALT, PM } from './payloads.js';

const SDHOST_BASE = 0x3f20_2000;
/** The address that a card takes first. */
const RCA = 1 << 16;
/** ACMD41: all voltages, high capacity known. */
const OPERATE = 0x40ff_8000;
/** CMD8: 2.7 to 3.6 V, and a pattern. */
const IF_COND = 0x1aa;
/** The first sector that it writes. */
export const FIRST_WRITTEN = 12_288;

/**
 * Core 0 brings up a card of standard capacity and prints `> `. On `w` it writes a sector full of its number as words, each
 * time the next one from {@link FIRST_WRITTEN} on, on `r` it reads that one; it prints `o`, or `e` where the card or the
 * controller says that it did not work. On `l` it writes without end. On `q` it switches the board off, on `x` it resets it.
 */
export function cardPayload(): Uint8Array {
  const { CMD, ARG, TOUT, CDIV, RSP, HSTS, EDM, HCFG, HBCT, HBLC, DATA } = SDHOST_REGISTERS;
  const { DR, FR } = PL011_REGISTERS;
  const a = assembler();
  const label = (name: string): Label => a.label(name);
  const [sleep, send, answered, write, read, key] = ['sleep', 'send', 'answered', 'write', 'read', 'key'].map(
    label,
  ) as [Label, Label, Label, Label, Label, Label];
  const words = new Map<number, Label>();
  const word = (value: number): Label => {
    const found = words.get(value >>> 0) ?? label(`word ${value >>> 0}`);
    words.set(value >>> 0, found);
    return found;
  };
  /** Sends a command; its answer is in r0. */
  const command = (bits: number, argument: number | 'r2'): void => {
    if (argument !== 'r2') a.ldr(r2, word(argument));
    a.ldr(r0, word(CMD.bits.NEW | bits));
    a.bl(send);
  };
  const print = (character: string): void => {
    a.mov(r0, character.charCodeAt(0));
    a.str(r0, [r1, DR.offset]);
  };
  a.mrc(MPIDR, r0);
  a.ands(r0, r0, CORES - 1);
  a.bne(sleep);
  a.ldr(r1, word(UART0_BASE));
  // The card's pins to SDHOST: three bits a pin, ten pins a register.
  a.ldr(r4, word(GPIO_BASE));
  for (const n of new Set(CARD_PINS.map((pin) => Math.floor(pin / 10)))) {
    const pins = CARD_PINS.filter((pin) => Math.floor(pin / 10) === n);
    a.ldr(r0, word(pins.reduce<number>((bits, pin) => bits | (PIN_FUNCTION.ALT0 << (3 * (pin % 10))), 0)));
    a.str(r0, [r4, GPIO_REGISTERS.GPFSEL.offset + 4 * n]);
  }
  a.ldr(r4, word(SDHOST_BASE));
  a.ldr(r5, word(FIRST_WRITTEN));
  const set = (register: { readonly offset: number }, value: number): void => {
    a.ldr(r0, word(value));
    a.str(r0, [r4, register.offset]);
  };
  set(HCFG, HCFG.bits.SLOW_CARD | HCFG.bits.WIDE_INT_BUS);
  set(CDIV, 3);
  set(TOUT, 100_000);
  set(HBCT, SECTOR_SIZE);
  command(CMD.bits.NO_RESPONSE | 0, 0);
  command(8, IF_COND);
  const operate = label('operate');
  a.at(operate);
  command(55, 0);
  command(41, OPERATE);
  a.cmp(r0, 0);
  a.bpl(operate);
  command(CMD.bits.LONG_RESPONSE | 2, 0);
  command(3, 0);
  command(CMD.bits.BUSYWAIT | 7, RCA);
  print('>');
  print(' ');
  a.at(key);
  a.ldr(r0, [r1, FR.offset]);
  a.tst(r0, FR.bits.RXFE);
  a.bne(key);
  a.ldr(r7, [r1, DR.offset]);
  const on = (character: string, act: () => void): void => {
    const next = label(`not ${character}`);
    a.cmp(r7, character.charCodeAt(0));
    a.bne(next);
    act();
    a.b(key);
    a.at(next);
  };
  /** Prints how it went: what the status that the card gives now says, and the controller's in r6. */
  const judge = (error: number): void => {
    const [bad, said] = [label(`bad ${error}`), label(`said ${error}`)];
    a.cmp(r6, 0);
    a.bne(bad);
    command(13, RCA);
    a.ldr(r2, word(error));
    a.tst(r0, r2);
    a.bne(bad);
    print('o');
    a.b(said);
    a.at(bad);
    print('e');
    a.at(said);
  };
  on('w', () => {
    a.mov(r6, 0);
    a.bl(write);
    judge(CARD_STATUS.ERROR | CARD_STATUS.OUT_OF_RANGE);
    a.add(r5, r5, 1);
  });
  on('l', () => {
    const loop = label('loop');
    a.at(loop);
    a.bl(write);
    a.add(r5, r5, 1);
    a.b(loop);
  });
  on('r', () => {
    a.mov(r6, 0);
    a.bl(read);
    judge(CARD_STATUS.CARD_ECC_FAILED);
    command(CMD.bits.BUSYWAIT | 12, 0);
  });
  const end = (partition: number): void => {
    a.ldr(r2, word(PM.base));
    a.ldr(r0, word((PM.PASSWORD | partition) >>> 0));
    a.str(r0, [r2, PM.RSTS]);
    a.ldr(r0, word((PM.PASSWORD | 1) >>> 0));
    a.str(r0, [r2, PM.WDOG]);
    a.ldr(r0, word((PM.PASSWORD | 0x20) >>> 0));
    a.str(r0, [r2, PM.RSTC]);
    a.b(sleep);
  };
  on('q', () => {
    end(HALT);
  });
  on('x', () => {
    end(0);
  });
  a.b(key);
  // A command, r0, with its argument, r2: the controller says when it is through.
  a.at(send);
  a.str(r2, [r4, ARG.offset]);
  a.str(r0, [r4, CMD.offset]);
  a.at(answered);
  a.ldr(r0, [r4, CMD.offset]);
  a.tst(r0, CMD.bits.NEW);
  a.bne(answered);
  a.ldr(r0, [r4, RSP.offset]);
  a.bx(lr);
  // Writes sector r5.
  const [fill, wait] = [label('fill'), label('wait')];
  a.at(write);
  a.mov(r7, lr);
  a.lsl(r2, r5, 9);
  set(HBLC, 1);
  command(CMD.bits.WRITE | 24, 'r2');
  a.mov(r3, SECTOR_SIZE / 4);
  a.at(fill);
  a.str(r5, [r4, DATA.offset]);
  a.subs(r3, r3, 1);
  a.bne(fill);
  a.at(wait);
  a.ldr(r0, [r4, EDM.offset]);
  a.and(r0, r0, 0xf);
  a.cmp(r0, 1);
  a.bne(wait);
  a.bx(r7);
  // Reads sector r5; in r6 whether nothing came.
  const [coming, take, over] = [label('coming'), label('take'), label('over')];
  a.at(read);
  a.mov(r7, lr);
  a.lsl(r2, r5, 9);
  set(HBLC, 1);
  command(CMD.bits.READ | 17, 'r2');
  a.at(coming);
  a.ldr(r0, [r4, HSTS.offset]);
  a.ands(r6, r0, HSTS.bits.REW_TIME_OUT);
  a.bne(over);
  a.tst(r0, HSTS.bits.DATA);
  a.beq(coming);
  a.mov(r3, SECTOR_SIZE / 4);
  a.at(take);
  a.ldr(r0, [r4, DATA.offset]);
  a.subs(r3, r3, 1);
  a.bne(take);
  a.at(over);
  set(HSTS, HSTS.bits.REW_TIME_OUT);
  a.bx(r7);
  a.at(sleep);
  a.wfe();
  a.b(sleep);
  for (const [value, at] of words) {
    a.at(at);
    a.word(value);
  }
  return a.assemble();
}
