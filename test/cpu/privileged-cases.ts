/** Generated cases of privileged instructions: exceptions, returns, status registers, hints, branches, coprocessors. */
import { a32Encodings } from '../../src/isa/a32/index.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { writeFields } from '../../src/isa/pattern.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { ABSENT_IN_QEMU, hvcInQemu, itInQemu } from './privileged-exemptions.js';
import { FILLER, type Outputs } from './privileged-monitor.js';
import {
  drawFields,
  generalTraps,
  isGood,
  type Making,
  pendInterrupts,
  type Place,
  prepareBranch,
  prepareCall,
  prepareHint,
  prepareReturn,
  prepareStatus,
  prepareTransfer,
  type Word,
} from './privileged-prepare.js';
import { anyStart, type Draw, type Start } from './privileged-state.js';

/** A case: where it starts, what it runs, and the words that its own memory holds before. */
export interface Case {
  readonly name: string;
  readonly start: Start;
  readonly words: readonly Word[];
  readonly memory: ReadonlyMap<number, number>;
  /** Bits of outputs that are not compared. */
  readonly ignore?: Partial<Outputs>;
}

/** What a class of instructions is made of. */
export interface Class {
  readonly name: string;
  /** Operations of the tables. */
  readonly operations: RegExp;
  /** Only these encodings of the operations. */
  readonly when?: (encoding: Encoding) => boolean;
  /** Makes fields and start fit each other. False: try again. May put words in front of the instruction. */
  readonly prepare: (it: Making) => boolean;
  /** What is trapped, beside the class's own needs. */
  readonly traps?: (draw: Draw, start: Start) => void;
}

/** The classes of instructions, each with what its cases need. */
export const classes: readonly Class[] = [
  { name: 'exceptions', operations: /^(SVC|HVC|SMC|BKPT|UDF)$/, prepare: prepareCall },
  {
    name: 'returns',
    operations: /^(ERET|SUBS_PC_LR|SUBS_PC_LR_move|RFE|LDM_exception)$/,
    prepare: prepareReturn,
  },
  { name: 'transfers', operations: /^(SRS|LDM_user|STM_user)$/, prepare: prepareTransfer },
  {
    name: 'status',
    operations: /^(CPS|SETEND|MRS|MSR_reg|MSR_imm|MRS_banked|MSR_banked)$/,
    prepare: prepareStatus,
  },
  {
    name: 'hints',
    operations: /^(NOP|YIELD|WFE|WFI|SEV|DBG|HINT|CLREX|DSB|DMB|ISB|LDREX[BHD]?|STREX[BHD]?)$/,
    prepare: prepareHint,
  },
  {
    name: 'absent coprocessors',
    operations: /^(CDP|LDC|LDC_lit|STC|MCR|MRC|MCRR|MRRC)$/,
    prepare: ({ draw, fields }) => {
      fields['coproc'] = draw.of(ABSENT_IN_QEMU);
      return true;
    },
  },
  {
    name: 'interrupts',
    operations: /^(NOP|CPS|SETEND|MSR_reg|MSR_imm|MRS|ERET|SUBS_PC_LR|RFE|LDM_exception|SVC|SMC|HVC|UDF)$/,
    prepare: (it) => {
      if (/^(ERET|SUBS_PC_LR|RFE|LDM_exception)$/.test(it.operation)) return prepareReturn(it);
      return /^M|^CPS|^SET/.test(it.operation) ? prepareStatus(it) : prepareCall(it);
    },
    traps: pendInterrupts,
  },
  {
    name: 'branches',
    operations:
      /^(B|BL_imm|BLX_imm|BX|BLX_reg|BXJ|TBB|CBN?Z|POP|LDM|LDMDA|LDMDB|LDMIB|LDR_imm|LDR_reg|(AND|EOR|SUB|RSB|ADD|ADC|SBC|RSC|ORR|MOV|BIC|MVN)_(imm|reg))$/,
    when: ({ pattern, operation, name }) =>
      name !== 'MOV_imm_A2' &&
      (!/_T[1234]$/.test(name) ||
        /^(B|BL_imm|BLX_imm|BX|BLX_reg|BXJ|TBB|CBN?Z|POP)$/.test(operation) ||
        (['LDM', 'LDMDB', 'LDR_imm', 'LDR_reg'].includes(operation) && pattern.width === 32)),
    prepare: prepareBranch,
  },
];

/** The encodings of a class, in both instruction sets. */
export function encodingsOf({
  operations,
  when = () => true,
}: Class): { encoding: Encoding; thumb: boolean }[] {
  return [a32Encodings, t32Encodings].flatMap((table, i) =>
    table
      .filter((encoding) => operations.test(encoding.operation) && when(encoding))
      .map((encoding) => ({ encoding, thumb: i === 1 })),
  );
}

/** The instruction that ends a case, where it goes on behind what is tested; in A32 and T32. HVC is last. */
const ENDS: readonly (readonly [a32: number, t32: Word])[] = [
  [FILLER, { word: 0xdeff, size: 2 }],
  [0xef000055, { word: 0xdf55, size: 2 }],
  [0xe1200070, { word: 0xbe00, size: 2 }],
  [0xe1600070, { word: 0xf7f08000, size: 4 }],
  [0xe1401171, { word: 0xf7e08111, size: 4 }],
];

/** Puts an IT block of one instruction around it: SPSR brings ITSTATE. */
function inIt(it: Making): void {
  const { draw, encoding, start, before } = it;
  const allowed =
    encoding.entry.inIT !== 'never' && !/^(UDF|BKPT)$/.test(it.operation) && itInQemu(it.operation);
  if (!start.thumb || !allowed || before.length > 0 || !draw.once(4)) return;
  const state = (draw.below(14) << 4) | 8;
  start.inputs.SPSR_mon = (start.inputs.SPSR_mon | ((state & 0xfc) << 8) | ((state & 3) << 25)) >>> 0;
}

/** Makes a case of an encoding; undefined where none was found. */
export function makeCase(
  draw: Draw,
  kind: Class,
  { encoding, thumb }: { encoding: Encoding; thumb: boolean },
  place: Place,
): Case | undefined {
  for (let tries = 0; tries < 400; tries++) {
    const fields = drawFields(draw, encoding);
    if (!fields) return undefined;
    const start = anyStart(draw, thumb, () => true);
    (kind.traps ?? generalTraps)(draw, start);
    const it: Making = {
      draw,
      operation: encoding.operation,
      encoding,
      fields,
      start,
      place,
      before: [],
      memory: new Map(),
    };
    if (!kind.prepare(it)) continue;
    if (!isGood(encoding, fields)) continue;
    inIt(it);
    const word: Word = {
      word: writeFields(encoding.pattern, fields),
      size: encoding.pattern.width === 16 ? 2 : 4,
    };
    return {
      name: encoding.name,
      start,
      words: withEnd(draw, start, [...it.before, word]),
      memory: it.memory,
    };
  }
  return undefined;
}

/** Instructions with one that ends the case behind them. */
export function withEnd(draw: Draw, start: Start, words: readonly Word[]): Word[] {
  const [a32, t32] = draw.of(hvcInQemu(start) ? ENDS : ENDS.slice(0, -1));
  return [...words, start.thumb ? t32 : { word: a32, size: 4 }];
}
