/**
 * The PL011 on the header's pins 8 and 10 set to 115200 baud, 8N1, by code that needs nothing but memory at physical
 * addresses: no stack, MMU and data cache off. UARTCLK is what the firmware has set (init_uart_clock): 3 MHz in 2015,
 * 48 MHz today, so it is asked, by the property mailbox (Raspberry Pi documentation, "Mailbox property interface").
 */
import type { Assembler } from '../isa/assembler.js';
import { loadWord } from '../isa/load-word.js';
import type { Label } from '../isa/registers.js';
import { lr, lsr, r0, r1, r2, r3, r4 } from '../isa/registers.js';
import { UART0_BASE } from '../board/bcm2836.js';
import { GPIO_BASE, GPIO_REGISTERS } from '../board/gpio.js';
import { PL011_REGISTERS, UART_CLOCK_HZ } from '../board/pl011.js';
import { writePropertyRequest } from './property-request.js';

export const BAUD = 115_200;

/** UARTIBRD and UARTFBRD together, 64ths of UARTCLK / (16 × baud) (DDI 0183, 3.3.6): UARTCLK divided by this. */
const HZ_OF_DIVISOR = (16 * BAUD) / 64;

/** The tag "get clock rate", and the UART's clock. */
const [GET_CLOCK_RATE, UART_CLOCK] = [0x0003_0002, 2];
/** A request is answered when bit 31 of its second word is set. */
const REQUEST = 0;
/** Words of the buffer: size, code; tag, bytes, length, clock, rate; end. */
const [ANSWERED_AT, RATE_AT] = [4, 24];

/** GPIO 14 and 15 (table 6-2): three bits each in GPFSEL1, ALT0 is 4. */
const GPFSEL1 = GPIO_REGISTERS.GPFSEL.offset + 4;
const [PINS_AT, PINS, BOTH_ALT0] = [12, 0x3f, 0x24];

/**
 * Writes a routine that sets the UART up, and returns to LR. It changes R0 to R4.
 * @param begin where it begins
 */
export function writeSerialSetup(a: Assembler, begin: Label): void {
  const [buffer, divide] = [a.label('property buffer'), a.label('divide')];
  const uart = PL011_REGISTERS;

  a.at(begin);
  a.note("UARTCLK from the firmware; today's where it does not answer");
  loadWord(a, r0, UART_CLOCK_HZ);
  a.adr(r2, buffer);
  a.note('It may have been used before');
  a.mov(r3, REQUEST);
  a.str(r3, [r2, ANSWERED_AT]);
  writePropertyRequest(a, { buffer: r2, mailbox: r1, patience: r4, word: r3 }, divide);
  a.ldr(r3, [r2, ANSWERED_AT]);
  a.cmp(r3, 0);
  a.ldrmi(r3, [r2, RATE_AT]);
  a.cmpmi(r3, 0);
  a.movne(r0, r3);

  a.at(divide);
  a.note('Rounded to the next 64th');
  loadWord(a, r1, HZ_OF_DIVISOR);
  a.add(r0, r0, r1, lsr(1));
  a.udiv(r0, r0, r1);
  loadWord(a, r1, GPIO_BASE);
  a.ldr(r2, [r1, GPFSEL1]);
  a.bic(r2, r2, PINS << PINS_AT);
  a.orr(r2, r2, BOTH_ALT0 << PINS_AT);
  a.dmb();
  a.str(r2, [r1, GPFSEL1]);
  a.note('From one peripheral to another (BCM2835 ARM Peripherals, 1.3)');
  a.dmb();
  loadWord(a, r1, UART0_BASE);
  a.mov(r2, 0);
  a.str(r2, [r1, uart.CR.offset]);
  a.lsr(r2, r0, 6);
  a.str(r2, [r1, uart.IBRD.offset]);
  a.and(r2, r0, 0x3f);
  a.str(r2, [r1, uart.FBRD.offset]);
  a.note('The divisor counts from here (DDI 0183, 3.3.6)');
  a.mov(r2, uart.LCRH.bits.WLEN | uart.LCRH.bits.FEN);
  a.str(r2, [r1, uart.LCRH.offset]);
  a.mov(r2, 0);
  a.str(r2, [r1, uart.IMSC.offset]);
  a.note('RXE and TXE are 3 at bit 8');
  a.mov(r2, 3);
  a.lsl(r2, r2, 8);
  a.orr(r2, r2, uart.CR.bits.UARTEN);
  a.str(r2, [r1, uart.CR.offset]);
  a.dmb();
  a.bx(lr);

  a.org(Math.ceil(a.here / 16) * 16);
  a.at(buffer);
  a.word(32, REQUEST, GET_CLOCK_RATE, 8, 4, UART_CLOCK, 0, 0);
}
