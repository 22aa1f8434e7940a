/** The stack frame of a function, and where it is needed: what runs without it leaves the stack alone. */
import type { Register } from '../isa/registers.js';
import { coreRegisters } from '../isa/registers.js';
import { liveness } from './liveness.js';
import type { Instruction, MachineBlock, MachineFunction, Operand } from './machine.js';
import { FIRST_VIRTUAL, SP, core, endUses, isVirtual, machineSuccessors } from './machine.js';

/** A frame: registers saved, under them spilled words, under those the arguments of calls. */
export interface Frame {
  /** In ascending order. */
  readonly saved: readonly Register[];
  /** Bytes under the registers. */
  readonly size: number;
  readonly outgoing: number;
  /** Where it is made, and the blocks that have it. */
  readonly entry: MachineBlock;
  readonly inside: ReadonlySet<MachineBlock>;
}

/** R4 to R11 and LR: what a function leaves as it was. */
const SAVED = [4, 5, 6, 7, 8, 9, 10, 11, 14];
const isSaved = new Set(SAVED.map((n) => core[n]!));

const touchesStack = (operand: Operand): boolean =>
  operand === SP || (Array.isArray(operand) && (operand as Operand[]).some(touchesStack));

function needsFrame({ code, end }: MachineBlock): boolean {
  return (
    code.some(
      ({ defs, uses, operands }) =>
        [...defs, ...uses].some((it) => isSaved.has(it)) || operands.some(touchesStack),
    ) || endUses(end).some((it) => isSaved.has(it))
  );
}

/** Moves copies into saved registers from a block down to the blocks behind it, where those registers are wanted. */
function sinkCopies(fn: MachineFunction): void {
  const before = new Map<MachineBlock, number>();
  for (const block of fn.blocks)
    for (const next of machineSuccessors(block)) before.set(next, (before.get(next) ?? 0) + 1);
  const isCopy = ({ name, condition, operands }: Instruction): boolean =>
    name === 'mov' &&
    !condition &&
    operands.length === 2 &&
    isVirtual(operands[1]) &&
    isSaved.has(operands[0] as never);
  for (let block: MachineBlock | undefined = fn.blocks[0]; block;) {
    const nexts: MachineBlock[] = [...new Set(machineSuccessors(block))];
    if (nexts.length < 2 || nexts.some((it) => before.get(it) !== 1)) return;
    const { atStart } = liveness({ ...fn, virtuals: FIRST_VIRTUAL });
    for (let i = block.code.length - 1; i >= 0; i--) {
      const copy = block.code[i]!;
      if (!isCopy(copy)) continue;
      const [to, from] = [copy.defs[0]!, copy.uses[0]!];
      const later = block.code.slice(i + 1);
      const busy = later.some(
        ({ defs, uses }) => uses.includes(to) || defs.includes(to) || defs.includes(from),
      );
      if (busy || endUses(block.end).includes(to)) continue;
      block.code.splice(i, 1);
      for (const next of nexts) if (atStart.get(next)!.has(to.virtual)) next.code.unshift({ ...copy });
    }
    // Further down only where one side is left that needs a frame.
    const needing: MachineBlock[] = nexts.filter(needsFrame);
    if (needsFrame(block) || needing.length !== 1) return;
    block = needing[0];
  }
}

/** Everything that can be reached from a block, itself only where there is a way back to it. */
function reachable(from: MachineBlock): Set<MachineBlock> {
  const seen = new Set<MachineBlock>();
  const work = machineSuccessors(from);
  for (let block = work.pop(); block; block = work.pop()) {
    if (seen.has(block)) continue;
    seen.add(block);
    work.push(...machineSuccessors(block));
  }
  return seen;
}

/**
 * The block at which the frame can be made: every block that needs it comes behind, none of those can be reached
 * around it, and it is in no loop. Of several, the one that the fewest others come behind.
 */
function frameEntry(
  fn: MachineFunction,
  needing: readonly MachineBlock[],
): { entry: MachineBlock; inside: Set<MachineBlock> } {
  let best = { entry: fn.blocks[0]!, inside: new Set(fn.blocks) };
  for (const entry of fn.blocks) {
    const inside = reachable(entry);
    if (inside.has(entry)) continue;
    inside.add(entry);
    if (inside.size >= best.inside.size || !needing.every((it) => inside.has(it))) continue;
    const around = fn.blocks.some(
      (it) => !inside.has(it) && machineSuccessors(it).some((next) => next !== entry && inside.has(next)),
    );
    if (!around) best = { entry, inside };
  }
  return best;
}

/** Finds the frame that a function needs; it may have its copies of parameters moved for that. */
export function makeFrame(fn: MachineFunction): Frame {
  sinkCopies(fn);
  const written = new Set(
    fn.blocks.flatMap(({ code }) => code.flatMap(({ defs }) => defs.map(({ virtual }) => virtual))),
  );
  const numbers = SAVED.filter((n) => written.has(n));
  const calls = fn.blocks.some(
    ({ code, end }) => end.kind === 'tail' || code.some(({ name }) => name === 'bl'),
  );
  let size = fn.outgoing + 4 * fn.slots;
  // SP is a multiple of 8 wherever another function runs (AAPCS 6.2.1.2); R12 fills up, it is nobody's.
  if ((4 * numbers.length + size) % 8 !== 0) {
    if (size > 0) size += 4;
    else if (calls) numbers.push(12);
  }
  const saved = numbers.sort((a, b) => a - b).map((n) => coreRegisters[n]!);
  const common = { saved, size, outgoing: fn.outgoing };
  const needing = fn.blocks.filter(needsFrame);
  if (needing.length === 0) return { ...common, entry: fn.blocks[0]!, inside: new Set() };
  return { ...common, ...frameEntry(fn, needing) };
}
