/**
 * The beginning of the file on the card: entered in HYP mode as a kernel is, at whatever address it was loaded. It
 * puts the parts of the file where they belong, and goes on in the hypervisor.
 */
import { assembler } from '../../isa/assembler.js';
import { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, sp } from '../../isa/registers.js';
import { COPY_STEP as STEP, FILE_MAGIC } from '../shared/layout.js';
import { speech } from '../../boot/speech.js';
import { HYPERVISOR_STEPS as SAYS } from '../../boot/steps.js';
import { writeStartOfSpeech } from './diagnostics.js';
import { writeAlone, writeSplitCheck, writeVisible } from './split.js';

/** A part of the file, and where it goes. */
export interface Part {
  /** Offset in the file, a multiple of 4. */
  readonly offset: number;
  /** Physical address, a multiple of 32. */
  readonly to: number;
  readonly bytes: number;
}

/**
 * The code with its list of parts. Its length depends only on how many these are.
 * @param entry the hypervisor's entry: tree in R0, the host's kernel in R1, the file in R2
 * @param hostKernel offset of the host's kernel in the file, and its bytes
 * @param description offset and bytes of what the file says about itself
 * @param needed where the ARM's memory must end at the least: else the host starts alone, and nothing is copied
 * @param diagnostics it says on the serial port how far it came
 */
export function startCode(
  parts: readonly Part[],
  entry: number,
  hostKernel: { readonly offset: number; readonly bytes: number },
  description: { readonly offset: number; readonly bytes: number },
  needed: number,
  diagnostics: boolean,
): Uint8Array {
  const a = assembler();
  const say = diagnostics ? speech(a) : undefined;
  const file = a.label('file');
  const start = a.label('start');
  const list = a.label('list');
  const nextPart = a.label('next part');
  const copying = a.label('copying');
  const done = a.label('done');
  a.at(file);
  a.b(start);
  a.word(FILE_MAGIC, description.offset, description.bytes);
  a.at(start);
  a.adr(r12, file);
  a.note('The device tree, as the kernel would have it');
  a.mov(sp, r2);
  if (say) writeStartOfSpeech(a, say);
  const alone = a.label('alone');
  writeSplitCheck(a, needed, alone);
  say?.letter(SAYS.split.letter);
  a.adr(r0, list);
  a.at(nextPart);
  a.ldm(r0, '!', [r1, r2, r3]);
  a.cmp(r3, 0);
  a.beq(done);
  a.add(r1, r1, r12);
  a.at(copying);
  a.ldm(r1, '!', [r4, r5, r6, r7, r8, r9, r10, r11]);
  a.stm(r2, '!', [r4, r5, r6, r7, r8, r9, r10, r11]);
  a.subs(r3, r3, STEP);
  a.bne(copying);
  a.b(nextPart);
  a.at(done);
  a.note('What was copied is instructions, too: nothing older may be fetched');
  writeVisible(a);
  if (say) {
    a.mov(r5, r1);
    a.mov(r6, r2);
    say.letter(SAYS.copied.letter);
    say.close();
    a.mov(r1, r5);
    a.mov(r2, r6);
  }
  a.mov(r0, sp);
  a.mov(r3, r2);
  a.add(r1, r12, r1);
  a.mov(r2, r12);
  a.bx(r3);
  a.at(list);
  for (const { offset, to, bytes } of parts) a.word(offset, to, Math.ceil(bytes / STEP) * STEP);
  a.word(hostKernel.offset, entry, 0);
  a.at(alone);
  say?.text('\r\n');
  writeAlone(a, needed, hostKernel, say);
  say?.routines();
  return a.assemble();
}
