import { UART0_BASE } from '../../src/board/bcm2836.js';
import { words } from './handover.js';

/** Lets core 0 go on and has the others sleep; the first instructions of every payload. */
const core0Only = [
  0xee10_0fb0, // +00 mrc p15, 0, r0, c0, c0, 5  ; MPIDR
  0xe310_0003, // +04 tst r0, #3
  0x0a00_0001, // +08 beq +14
  0xe320_f002, // +0c wfe
  0xeaff_fffd, // +10 b +0c
] as const;

/** Core 0 writes `text` (ASCII) to the PL011, then sleeps. */
export function printingPayload(text: string): Uint8Array {
  const code = words(
    ...core0Only,
    0xe59f_1020, // +14 ldr r1, [pc, #32]  ; +3c: the PL011's data register
    0xe28f_3020, // +18 add r3, pc, #32    ; +40: the text
    0xe4d3_2001, // +1c ldrb r2, [r3], #1
    0xe352_0000, // +20 cmp r2, #0
    0x0a00_0001, // +24 beq +30
    0xe581_2000, // +28 str r2, [r1]
    0xeaff_fffa, // +2c b +1c
    0xe320_f003, // +30 wfi
    0xeaff_fffd, // +34 b +30
    0, // +38
    UART0_BASE, // +3c
  );
  return Buffer.concat([code, Buffer.from(`${text}\0`, 'ascii')]);
}

/** Core 0 writes the same character to the PL011 without end. */
export function floodingPayload(character: string): Uint8Array {
  return words(
    ...core0Only,
    0xe59f_1004, // +14 ldr r1, [pc, #4]   ; +20: the PL011's data register
    0xe3a0_2000 | character.charCodeAt(0), // +18 mov r2, #character
    0xea00_0000, // +1c b +24
    UART0_BASE, // +20
    0xe581_2000, // +24 str r2, [r1]
    0xeaff_fffd, // +28 b +24
  );
}

/** Every core sleeps, and says nothing. */
export const silentPayload = words(
  0xe320_f003, // wfi
  0xeaff_fffd, // b back to it
);

/** Power management's reset control, BCM2835: the password in the top byte, 2 in bits 5 and 4 for a full reset. */
const PM_RSTC = 0x3f10_001c;

/** Core 0 resets the machine. */
export const resettingPayload = words(
  ...core0Only,
  0xe59f_1004, // +14 ldr r1, [pc, #4]  ; +20: PM_RSTC
  0xe59f_2004, // +18 ldr r2, [pc, #4]  ; +24
  0xe581_2000, // +1c str r2, [r1], and on into what is no code
  PM_RSTC, // +20
  0x5a00_0020, // +24
);
