import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { c, p15, r0 } from '../../src/isa/registers.js';

/** Where the code of {@link bareGuest} begins: behind the vectors. */
const CODE = 0x40;

/** `udf #0`: permanently UNDEFINED (ARM ARM A5.4). */
export const UDF = 0xe7f0_00f0;
/** `b .` */
export const BRANCH_TO_ITSELF = 0xeaff_fffe;

/**
 * A program for address 0, where the vectors are too. Core 0 runs `code`, from {@link MAIN} on; the
 * others sleep in WFI.
 * @param vectors words by their address, 4 to 0x1c
 */
export function bareGuest(
  code: (a: Assembler) => void,
  vectors: Readonly<Record<number, number>> = {},
): Uint8Array {
  const a = assembler();
  const start = a.label('start');
  const park = a.label('park');
  const main = a.label('main');
  a.b(start);
  for (let at = 4; at < CODE; at += 4) a.word(vectors[at] ?? 0);
  a.at(start);
  a.mrc(p15, 0, r0, c(0), c(0), 5);
  a.ands(r0, r0, 3);
  a.beq(main);
  a.at(park);
  a.wfi();
  a.b(park);
  a.at(main);
  code(a);
  return a.assemble();
}

/** The address of the first instruction of a guest's code. */
export const MAIN = CODE + 5 * 4;
