/** Writes functions whose registers are chosen through the assembler. */
import type { Assembler } from '../isa/assembler.js';
import type { Condition, Label } from '../isa/registers.js';
import type { Frame } from './frame.js';
import { lr, pc, sp } from '../isa/registers.js';
import type {
  AddressHalf,
  FrameOffset,
  Instruction,
  MachineBlock,
  MachineFunction,
  Operand,
  Virtual,
} from './machine.js';
import { invert, isVirtual, machineSuccessors, physical } from './machine.js';

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

/** Writes one function. Throws `asm.*` where the frame is too large for its offsets. */
export function emitFunction(
  a: Assembler,
  fn: MachineFunction,
  frame: Frame,
  { labelOf, addressOf }: Linkage,
): void {
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

  const addSp = (name: 'add' | 'sub', condition = ''): void => {
    // In two steps where one immediate does not hold it.
    for (const part of [frame.size & ~0xff, frame.size & 0xff])
      if (part !== 0) write(a, name + condition, [sp, sp, part]);
  };
  const enter = (): void => {
    if (frame.saved.length > 0) a.push(frame.saved);
    addSp('sub');
  };
  /** Leaves the function from a block, for its caller or for another function. */
  const leave = (block: MachineBlock, condition: Condition | '', symbol?: string): void => {
    const { saved } = frame;
    const framed = frame.inside.has(block);
    const returns = framed && symbol === undefined && saved.at(-1) === lr;
    if (framed) {
      addSp('add', condition);
      const restored = returns ? [...saved.slice(0, -1), pc] : saved;
      if (saved.length > 0) write(a, `pop${condition}`, [restored]);
    }
    if (symbol !== undefined) write(a, `b${condition}`, [labelOf(symbol)]);
    else if (!returns) write(a, `bx${condition}`, [lr]);
  };
  /** Whether going to a block is going out of the function at once. */
  const isExit = ({ code, end }: MachineBlock): boolean => code.length === 0 && end.kind === 'return';
  const branch = (condition: Condition | '', to: MachineBlock): void => {
    if (isExit(to)) leave(to, condition);
    else write(a, `b${condition}`, [label(to)]);
  };

  /** Exits whose instructions stand only where they are branched to. */
  const needed = new Set<MachineBlock>(fn.blocks.slice(0, 1));
  fn.blocks.forEach((block, i) => {
    if (block.end.kind === 'table') machineSuccessors(block).forEach((it) => needed.add(it));
    const next = fn.blocks[i + 1];
    if (next && machineSuccessors(block).includes(next)) needed.add(next);
  });

  a.at(labelOf(fn.name));
  fn.blocks.forEach((block, i) => {
    if (isExit(block) && !needed.has(block)) return;
    const next = fn.blocks[i + 1];
    a.at(label(block));
    if (block === frame.entry && frame.inside.size > 0) enter();
    block.code.forEach(instruction);
    const { end } = block;
    switch (end.kind) {
      case 'jump':
        if (end.to !== next) branch('', end.to);
        return;
      case 'branch':
        if (end.yes === next) branch(invert(end.condition), end.no);
        else {
          branch(end.condition, end.yes);
          if (end.no !== next) branch('', end.no);
        }
        return;
      case 'table':
        write(a, 'b', [label(end.otherwise)]);
        for (const target of end.targets) a.word(label(target));
        return;
      case 'return':
        leave(block, '');
        return;
      case 'tail':
        leave(block, '', end.symbol);
        return;
      case 'trap':
        a.udf(0);
    }
  });
}
