/** From decoded instructions to micro-ops. */
import { decodeA32 } from '../decoder.js';
import { isUnpredictable } from '../encoding.js';
import { ALWAYS } from '../registers.js';
import { LONGEST_BLOCK } from './blocks.js';
import { Emitter } from './emitter.js';
import { undefinedInstruction } from './exceptions.js';
import * as L from './layout.js';
import { lowerings } from './lowerings.js';
import { Op } from './micro-ops.js';
import { slowInstructions } from './slow/index.js';
import type { Machine } from './state.js';

/**
 * Decodes the instructions from a physical address on, to micro-ops from `start` on, up to an unconditional branch,
 * the end of the page, or LONGEST_BLOCK instructions.
 * @returns the first free byte behind the micro-ops, and how many bytes of instructions they stand for
 */
export function decodeBlock(m: Machine, physical: number, start: number): { top: number; bytes: number } {
  const variant = m.u32[L.VARIANT >>> 2]!;
  const emitter = new Emitter(m, false, (variant & L.VARIANT_E) !== 0, physical >>> 12, start);
  const first = physical & 0xffc;
  emitter.offset = first;
  while (!emitter.ended && emitter.offset < 0x1000 && emitter.position < LONGEST_BLOCK) {
    emitter.position++;
    lowerA32(emitter, m.u32[(L.RAM + (physical & ~0xfff) + emitter.offset) >>> 2]!);
    emitter.offset += 4;
  }
  const bytes = emitter.offset - first;
  if (!emitter.ended) {
    // On to the next block; the jump counts no instruction of its own.
    emitter.condition = ALWAYS;
    const target = emitter.offset;
    emitter.offset -= 4;
    emitter.branch(target);
  }
  return { top: emitter.top, bytes };
}

function lowerA32(emitter: Emitter, word: number): void {
  const decoded = decodeA32(word);
  emitter.word = word;
  emitter.encoding = decoded?.encoding;
  emitter.condition = ALWAYS;
  if (!decoded) {
    const condition = word >>> 28;
    conditionally(emitter, condition < ALWAYS ? condition : ALWAYS, () => {
      emitter.slow(undefinedInstruction, {});
    });
    if (condition >= ALWAYS) emitter.ended = true;
    return;
  }
  const { encoding } = decoded;
  const fields: Record<string, number> = decoded.fields;
  const condition = fields['cond'] ?? ALWAYS;
  if (isUnpredictable(encoding, word, fields)) {
    emitter.m.onUnpredictable({
      core: emitter.m.core.index,
      address: (emitter.m.u32[L.PAGE >>> 2]! + emitter.offset) >>> 0,
      word,
      name: encoding.name,
    });
  }
  const { operation } = encoding;
  // Branches in the page have their condition in themselves.
  if (operation === 'B') {
    const target = emitter.offset + 8 + ((fields['imm24']! << 8) >> 6);
    emitter.condition = condition;
    if (target >= 0 && target < 0x1000) emitter.branch(target);
    else {
      conditionally(emitter, condition, () => {
        emitter.branch(target);
      });
    }
    return;
  }
  conditionally(emitter, condition, () => {
    const lower = lowerings[operation];
    if (lower && lower(emitter, fields) !== false) return;
    emitter.slow(slowInstructions[operation] ?? undefinedInstruction, fields);
  });
}

/** Emits micro-ops that are skipped unless the condition holds. */
function conditionally(emitter: Emitter, condition: number, body: () => void): void {
  emitter.condition = condition;
  if (condition === ALWAYS) {
    body();
    return;
  }
  const skip = emitter.emit(Op.SKIP_EQ + condition);
  body();
  emitter.m.u32[(skip + L.OP_IMM) >>> 2] = emitter.top - skip - L.OP_SIZE;
}
