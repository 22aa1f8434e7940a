/** Writes functions whose registers are chosen through the assembler. */
import type { Assembler } from '../arm/assembler.js';
import type { Condition, Label, Register } from '../arm/registers.js';
import { coreRegisters, lsl, pc, sp } from '../arm/registers.js';
import type {
  AddressHalf,
  FrameOffset,
  Instruction,
  MachineBlock,
  MachineFunction,
  Operand,
  Virtual,
} from './machine.js';
import { isVirtual, physical } from './machine.js';
import { inverse } from './ir.js';
import type { Relation } from './ir.js';

/** What functions are linked by. */
export interface Linkage {
  readonly labelOf: (symbol: string) => Label;
  /** The address of a symbol, as far as it is known yet. */
  readonly addressOf: (symbol: string) => number;
}

/** Calls an assembler's method by its name: the names come from selection, the encodings table says if they exist. */
function write(a: Assembler, name: string, operands: readonly unknown[]): void {
  const method = (a as unknown as Record<string, ((...operands: readonly unknown[]) => void) | undefined>)[
    name
  ];
  if (!method) throw new Error(`there is no instruction ${name}`);
  method(...operands);
}

const has = <K extends string>(it: object, key: K): it is Record<K, unknown> => key in it;

interface Frame {
  /** Registers saved on entry, in order. */
  readonly saved: readonly Register[];
  /** Bytes under them: arguments of calls, then spilled words. */
  readonly size: number;
  readonly outgoing: number;
}

/** The frame that a function needs. */
function frameOf(fn: MachineFunction): Frame {
  const written = new Set(
    fn.blocks.flatMap(({ code }) => code.flatMap(({ defs }) => defs.map(({ virtual }) => virtual))),
  );
  const numbers = [4, 5, 6, 7, 8, 9, 10, 11, 14].filter((n) => written.has(n));
  let size = fn.outgoing + 4 * fn.slots;
  // SP is a multiple of 8 wherever another function runs (AAPCS 6.2.1.2).
  if ((4 * numbers.length + size) % 8 !== 0) {
    if (size === 0) numbers.unshift(3);
    else size += 4;
  }
  return { saved: numbers.map((n) => coreRegisters[n]!), size, outgoing: fn.outgoing };
}

/** Writes one function. Throws `asm.*` where the frame is too large for its offsets. */
export function emitFunction(a: Assembler, fn: MachineFunction, { labelOf, addressOf }: Linkage): void {
  const frame = frameOf(fn);
  const labels = new Map(fn.blocks.map((block) => [block, a.label(`${fn.name}.${block.id}`)]));
  const label = (block: MachineBlock): Label => labels.get(block)!;

  const frameOffset = ({ frame: kind, offset }: FrameOffset): number =>
    kind === 'slot' ? frame.outgoing + offset : frame.size + 4 * frame.saved.length + offset;

  const operand = (it: Operand): unknown => {
    if (typeof it !== 'object') return it;
    if (isVirtual(it)) return physical(it);
    if (Array.isArray(it)) return (it as Operand[]).map(operand);
    if (has(it, 'frame')) return frameOffset(it as unknown as FrameOffset);
    if (has(it, 'half')) {
      const { half, symbol } = it as unknown as AddressHalf;
      return half === 'low' ? addressOf(symbol) & 0xffff : addressOf(symbol) >>> 16;
    }
    if (has(it, 'symbol')) return labelOf(it.symbol as string);
    if (has(it, 'by') && isVirtual(it.by)) return { ...it, by: physical(it.by) };
    return it;
  };

  const instruction = (it: Instruction): void => {
    if (it.inline) it.inline(a, ...(it.operands as Virtual[]).map(physical));
    else write(a, it.name + (it.condition ?? ''), it.operands.map(operand));
  };

  const addSp = (name: 'add' | 'sub'): void => {
    // In two steps where one immediate does not hold it.
    for (const part of [frame.size & ~0xff, frame.size & 0xff])
      if (part !== 0) write(a, name, [sp, sp, part]);
  };
  const enter = (): void => {
    if (frame.saved.length > 0) a.push(frame.saved);
    addSp('sub');
  };
  const leave = (): void => {
    addSp('add');
    const { saved } = frame;
    if (saved.at(-1) === coreRegisters[14]) a.pop([...saved.slice(0, -1), pc]);
    else {
      if (saved.length > 0) a.pop(saved);
      a.bx(coreRegisters[14]!);
    }
  };
  const branch = (condition: Condition | '', to: MachineBlock): void => {
    write(a, `b${condition}`, [label(to)]);
  };

  a.at(labelOf(fn.name));
  enter();
  fn.blocks.forEach((block, i) => {
    const next = fn.blocks[i + 1];
    a.at(label(block));
    block.code.forEach(instruction);
    const { end } = block;
    switch (end.kind) {
      case 'jump':
        if (end.to !== next) branch('', end.to);
        return;
      case 'branch':
        if (end.yes === next) branch(inverse(end.condition as Relation), end.no);
        else {
          branch(end.condition, end.yes);
          if (end.no !== next) branch('', end.no);
        }
        return;
      case 'table':
        // PC reads as two instructions on: where the table begins.
        a.ldrlo(pc, [pc, physical(end.index), lsl(2)]);
        branch('', end.otherwise);
        for (const target of end.targets) a.word(label(target));
        return;
      case 'return':
        leave();
        return;
      case 'tail':
        leave();
        return;
      case 'trap':
        a.udf(0);
    }
  });
}
