/** VLD1 to VLD4 and VST1 to VST4 as micro-ops, little-endian, as long as their registers do not go past D31. */
import type { Emitter, ExtensionOp, LowerExtension } from './emitter.js';
import {
  ADD_NOTHING,
  ADD_SIZE,
  Op,
  OPTIONS_LOW,
  STRUCTURE_ALIGNMENT,
  STRUCTURE_APART,
  STRUCTURE_COUNT,
  STRUCTURE_GROUPS,
  STRUCTURE_INDEX,
  STRUCTURE_SIZE,
} from './micro-ops.js';
import { allAlignment, ALIGNMENTS, laneAlignment, laneApart, multipleShape } from './neon/structures.js';
import type { Needs } from './operation-fields.js';

type Transfer = Needs<'Vd' | 'D' | 'Rn' | 'Rm' | 'size'>;
type Count = 1 | 2 | 3 | 4;

/** What is the same in all of them: sizes and alignments in bytes, `last` the last register from Vd on. */
interface Structure {
  readonly size: number;
  readonly count: Count;
  readonly apart: number;
  readonly alignment: number;
  readonly last: number;
}

function structure(
  e: Emitter,
  op: Op,
  { Vd, D, Rn, Rm }: Transfer,
  { size, count, apart, alignment, last }: Structure,
  rest: number,
): ExtensionOp | undefined {
  const d = D * 16 + Vd;
  if (e.bigEndian || Rn === 15 || d + last > 31) return undefined;
  const added = Rm === 15 ? ADD_NOTHING : Rm === 13 ? ADD_SIZE : Rm * 4;
  const options =
    (Math.log2(size) << STRUCTURE_SIZE) |
    ((count - 1) << STRUCTURE_COUNT) |
    (apart << STRUCTURE_APART) |
    (Math.log2(alignment) << STRUCTURE_ALIGNMENT) |
    rest;
  return { op, a: d * 2, b: Rn * 4, imm: added | (options << OPTIONS_LOW) };
}

function multiple(op: Op, count: Count): LowerExtension<Transfer & Needs<'align', 'type' | 'inc'>> {
  return (e, f) => {
    const { size, align, type, inc } = f;
    const { groups, apart } = multipleShape(count, type, inc);
    const last = groups - 1 + (count - 1) * apart;
    const it = { size: 1 << size, count, apart, alignment: ALIGNMENTS[align]!, last };
    return structure(e, op, f, it, groups << STRUCTURE_GROUPS);
  };
}

function lane(op: Op, count: Count): LowerExtension<Transfer & Needs<'index_align'>> {
  return (e, f) => {
    const { size, index_align } = f;
    const apart = laneApart(count, size, index_align);
    const bytes = 1 << size;
    const alignment = laneAlignment(count, bytes, index_align);
    const it = { size: bytes, count, apart, alignment, last: (count - 1) * apart };
    return structure(e, op, f, it, (index_align >> (size + 1)) << STRUCTURE_INDEX);
  };
}

function allLanes(count: Count): LowerExtension<Transfer & Needs<'T' | 'a'>> {
  return (e, f) => {
    const { size, T, a } = f;
    const bytes = 1 << Math.min(size, 2);
    const apart = count === 1 ? 1 : 1 + T;
    const last = count === 1 ? T : (count - 1) * apart;
    const it = { size: bytes, count, apart, alignment: allAlignment(count, size, a), last };
    return structure(e, Op.VLD_ALL, f, it, (1 + T) << STRUCTURE_GROUPS);
  };
}

export const structures = {
  VLD1_multiple: multiple(Op.VLD_MULTIPLE, 1),
  VST1_multiple: multiple(Op.VST_MULTIPLE, 1),
  VLD1_lane: lane(Op.VLD_LANE, 1),
  VST1_lane: lane(Op.VST_LANE, 1),
  VLD1_all: allLanes(1),
  VLD2_multiple: multiple(Op.VLD_MULTIPLE, 2),
  VST2_multiple: multiple(Op.VST_MULTIPLE, 2),
  VLD2_lane: lane(Op.VLD_LANE, 2),
  VST2_lane: lane(Op.VST_LANE, 2),
  VLD2_all: allLanes(2),
  VLD3_multiple: multiple(Op.VLD_MULTIPLE, 3),
  VST3_multiple: multiple(Op.VST_MULTIPLE, 3),
  VLD3_lane: lane(Op.VLD_LANE, 3),
  VST3_lane: lane(Op.VST_LANE, 3),
  VLD3_all: allLanes(3),
  VLD4_multiple: multiple(Op.VLD_MULTIPLE, 4),
  VST4_multiple: multiple(Op.VST_MULTIPLE, 4),
  VLD4_lane: lane(Op.VLD_LANE, 4),
  VST4_lane: lane(Op.VST_LANE, 4),
  VLD4_all: allLanes(4),
} as const;
