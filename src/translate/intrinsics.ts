/**
 * The imports that are not calls: what AssemblyScript has no words for. One table says for each its type, what it
 * is for, and its instructions; declarations.ts makes AssemblyScript's view of it.
 */
import type { Assembler } from '../isa/assembler.js';
import type { Register } from '../isa/registers.js';
import * as systemRegisters from '../isa/system-registers.js';
import type { SystemRegister, SystemRegister64 } from '../isa/system-registers.js';
import type { PureOp } from './ir.js';
import { argumentPlaces } from './calls.js';
import { SYSTEM_CALLS } from './linux/system-calls.js';
import type { Instruction, Virtual } from './machine.js';
import { core, define, defineTwo, effect, inline, loadConstant, move } from './machine.js';
import type { Signature, ValueType } from '../wasm/module.js';

/** How an intrinsic becomes instructions: `to` are its results, `from` its arguments, a word each. */
export type Selection = (
  to: readonly Virtual[],
  from: readonly Virtual[],
  scratch: () => Virtual,
) => Instruction[];

/** An imported function that is an instruction sequence of its own. */
export interface Intrinsic {
  readonly type: Signature;
  /** The names of its arguments. */
  readonly names: readonly string[];
  readonly doc: string;
  /** The operation that it is, where it has no effect. */
  readonly pure?: PureOp;
  /** Where its first argument is an address that takes an offset: the name of its one instruction. */
  readonly access?: { readonly name: string; readonly store: boolean };
  readonly select?: Selection;
}

const table = new Map<string, Map<string, Intrinsic>>();

function add(module: string, name: string, intrinsic: Intrinsic): void {
  let names = table.get(module);
  if (!names) table.set(module, (names = new Map<string, Intrinsic>()));
  names.set(name, intrinsic);
}

/** A type from its text: `(i32, i64): i32`, with names before the types of arguments. */
function typed(text: string): { type: Signature; names: string[] } {
  const [, inside = '', result = ''] = /^\((.*)\):? ?(\w*)$/.exec(text)!;
  const parts = inside === '' ? [] : inside.split(', ').map((it) => it.split(': '));
  const params = parts.map(([, type]) => type as ValueType);
  return {
    type: { params, results: result === '' ? [] : [result as ValueType] },
    names: parts.map(([name]) => name!),
  };
}

// Device registers, and memory that others change: each one access of just that size, in the order written.

const ACCESSES = [
  ['read8', '(address: i32): i32', 'ldrb', 'a byte'],
  ['read16', '(address: i32): i32', 'ldrh', 'a halfword'],
  ['read32', '(address: i32): i32', 'ldr', 'a word'],
  ['write8', '(address: i32, value: i32)', 'strb', 'a byte'],
  ['write16', '(address: i32, value: i32)', 'strh', 'a halfword'],
  ['write32', '(address: i32, value: i32)', 'str', 'a word'],
] as const;
for (const [name, type, instruction, what] of ACCESSES) {
  const store = name.startsWith('write');
  const access = { name: instruction, store };
  const verb = store ? 'Writes' : 'Reads';
  add('mmio', name, { ...typed(type), doc: `${verb} ${what} of a device.`, access });
  const shared = name.replace('read', 'load').replace('write', 'store');
  add('shared', shared, { ...typed(type), doc: `${verb} ${what} that others change.`, access });
}

const [R0, R1] = core as [Virtual, Virtual];

add('shared', 'load64', {
  ...typed('(address: i32): i64'),
  doc: 'Reads two words at once (LDRD: single-copy atomic with LPAE, A3.5.3). The address is a multiple of 8.',
  select: ([lo, hi], [address]) => [defineTwo('ldrd', R0, R1, [address!]), move(lo!, R0), move(hi!, R1)],
});
add('shared', 'store64', {
  ...typed('(address: i32, value: i64)'),
  doc: 'Writes two words at once (STRD: single-copy atomic with LPAE, A3.5.3). The address is a multiple of 8.',
  select: (_, [address, lo, hi]) => [move(R0, lo!), move(R1, hi!), effect('strd', R0, R1, [address!])],
});

// Atomic changes of memory: loops over exclusive loads and stores. None is a barrier.

/** A loop that loads a word, makes another of it, and begins again where someone else wrote in between. */
function exclusiveLoop(change: 'add' | 'and' | 'orr' | 'eor'): Selection {
  return ([old], [address, operand], scratch) => {
    const emit = (a: Assembler, ...[was, next, failed, at, by]: Register[]): void => {
      const again = a.label('again');
      a.at(again);
      a.ldrex(was!, [at!]);
      a[change](next!, was!, by!);
      a.strex(failed!, next!, [at!]);
      a.cmp(failed!, 0);
      a.bne(again);
    };
    return [inline(emit, [old!, scratch(), scratch()], [address!, operand!])];
  };
}

const CHANGES = [
  ['fetchAdd', 'adds to', 'add'],
  ['fetchAnd', 'ands into', 'and'],
  ['fetchOr', 'ors into', 'orr'],
  ['fetchXor', 'exclusive-ors into', 'eor'],
] as const;
for (const [name, what, change] of CHANGES) {
  add('atomic', name, {
    ...typed('(address: i32, value: i32): i32'),
    doc: `Atomically ${what} a word; gives what it was.`,
    select: exclusiveLoop(change),
  });
}
add('atomic', 'exchange', {
  ...typed('(address: i32, value: i32): i32'),
  doc: 'Atomically writes a word; gives what it was.',
  select: ([old], [address, value], scratch) => {
    const emit = (a: Assembler, ...[was, failed, at, next]: Register[]): void => {
      const again = a.label('again');
      a.at(again);
      a.ldrex(was!, [at!]);
      a.strex(failed!, next!, [at!]);
      a.cmp(failed!, 0);
      a.bne(again);
    };
    return [inline(emit, [old!, scratch()], [address!, value!])];
  },
});
add('atomic', 'compareExchange', {
  ...typed('(address: i32, expected: i32, value: i32): i32'),
  doc: 'Atomically writes a word where it is as expected; gives what it was.',
  select: ([old], [address, expected, value], scratch) => {
    const emit = (a: Assembler, ...[was, failed, at, wanted, next]: Register[]): void => {
      const [again, done] = [a.label('again'), a.label('done')];
      a.at(again);
      a.ldrex(was!, [at!]);
      a.cmp(was!, wanted!);
      a.bne(done);
      a.strex(failed!, next!, [at!]);
      a.cmp(failed!, 0);
      a.bne(again);
      a.at(done);
    };
    return [inline(emit, [old!, scratch()], [address!, expected!, value!])];
  },
});

// Barriers and hints.

const plain =
  (name: string, ...operands: string[]): Selection =>
  () => [effect(name, ...operands)];
const BARRIERS = [
  ['dsb', ['dsb'], 'Data synchronization barrier, whole system.'],
  ['dsbIsh', ['dsb', 'ISH'], 'Data synchronization barrier, inner shareable.'],
  ['dsbIshst', ['dsb', 'ISHST'], 'Data synchronization barrier, inner shareable, for stores.'],
  ['dmb', ['dmb'], 'Data memory barrier, whole system.'],
  ['dmbIsh', ['dmb', 'ISH'], 'Data memory barrier, inner shareable.'],
  ['dmbIshst', ['dmb', 'ISHST'], 'Data memory barrier, inner shareable, for stores.'],
  ['isb', ['isb'], 'Instruction synchronization barrier.'],
  ['sev', ['sev'], 'Sends an event to all cores.'],
  ['wfe', ['wfe'], 'Waits for an event.'],
  ['wfi', ['wfi'], 'Waits for an interrupt.'],
  ['clrex', ['clrex'], 'Clears the exclusive monitor.'],
] as const;
for (const [name, [instruction, ...operands], doc] of BARRIERS)
  add('barrier', name, { ...typed('()'), doc, select: plain(instruction, ...operands) });

// The status registers, and registers of other modes.

add('psr', 'readCPSR', {
  ...typed('(): i32'),
  doc: 'Reads CPSR.',
  select: ([to]) => [define('mrs', to!, 'CPSR')],
});
add('psr', 'disableInterrupts', {
  ...typed('()'),
  doc: 'Masks A, I and F.',
  select: plain('cpsid', 'aif'),
});
add('psr', 'enableInterrupts', {
  ...typed('()'),
  doc: 'Unmasks A, I and F.',
  select: plain('cpsie', 'aif'),
});
const BANKED = [
  ...['ELR_hyp', 'SPSR_hyp', 'SP_hyp', 'SP_usr', 'LR_usr', 'SP_svc', 'LR_svc', 'SPSR_svc'],
  ...['SP_abt', 'LR_abt', 'SPSR_abt', 'SP_und', 'LR_und', 'SPSR_und', 'SP_irq', 'LR_irq', 'SPSR_irq'],
  ...['SP_fiq', 'LR_fiq', 'SPSR_fiq', 'R8_fiq', 'R9_fiq', 'R10_fiq', 'R11_fiq', 'R12_fiq'],
];
/** Hyp mode's own is not to be had by its name there, only as SPSR (ARM ARM B9.2.3). */
const OWN_SPSR = 'SPSR_hyp';
for (const name of BANKED) {
  add('psr', `read ${name}`, {
    ...typed('(): i32'),
    doc: `Reads ${name}.`,
    select: ([to]) => [define('mrs', to!, name === OWN_SPSR ? 'SPSR' : name)],
  });
  add('psr', `write ${name}`, {
    ...typed('(value: i32)'),
    doc: `Writes ${name}.`,
    select: (_, [value]) => [effect('msr', name === OWN_SPSR ? 'SPSR_fsxc' : name, value!)],
  });
}

// Bits of a word, which are the same whenever they are asked for.

add('word', 'rbit', { ...typed('(value: i32): i32'), doc: 'The bits of a word in reverse.', pure: 'rbit' });
add('word', 'rev', { ...typed('(value: i32): i32'), doc: 'The bytes of a word in reverse.', pure: 'rev' });

/** The system registers by name, in alphabetical order; of two that have one name the one of 64 bits. */
export const systemRegisterTable: ReadonlyMap<string, SystemRegister | SystemRegister64> = new Map(
  Object.values(systemRegisters)
    .sort((a, b) => (a.name === b.name ? a.size - b.size : a.name < b.name ? -1 : 1))
    .map((it) => [it.name, it]),
);

/** MRC or MRRC: the register to be read stands first. */
const systemRead = (register: object, to: readonly Virtual[]): Instruction => ({
  ...effect(to.length === 2 ? 'mrrc' : 'mrc', register, ...to),
  defs: to,
  uses: [],
});

for (const register of systemRegisterTable.values()) {
  const wide = register.size === 64;
  const [word, doc] = [wide ? 'i64' : 'i32', `${register.name}: ${register.doc}.`];
  if (register.access !== 'WO') {
    add('sysreg', `read ${register.name}`, {
      ...typed(`(): ${word}`),
      doc,
      select: ([lo, hi]) => [systemRead(register, wide ? [lo!, hi!] : [lo!])],
    });
  }
  if (register.access !== 'RO') {
    add('sysreg', `write ${register.name}`, {
      ...typed(`(value: ${word})`),
      doc,
      select: (_, value) => [effect(wide ? 'mcrr' : 'mcr', register, ...value)],
    });
  }
}

// System calls of Linux.

/** The core registers that come in the place of the stack, and the one of the call's number. */
const BEYOND = 4;
const NUMBER = core[7]!;

/**
 * A system call: its arguments go where the procedure call standard has a function's, with R4 to R6 in the place of the
 * stack, so that 64-bit ones are in even pairs; R0 alone comes back changed (man 2 syscall; Linux,
 * arch/arm/kernel/entry-common.S).
 */
function systemCall(number: number, { params }: Signature): Selection {
  const registers = argumentPlaces(params).map(
    (place) => core['register' in place ? place.register : BEYOND + place.stack / 4]!,
  );
  return ([result], from) => [
    ...from.map((it, i) => move(registers[i]!, it)),
    ...loadConstant(NUMBER, number),
    { ...effect('svc', 0), defs: [R0], uses: [...registers, NUMBER] },
    ...(result ? [move(result, R0)] : []),
  ];
}

for (const [name, [number, type, doc]] of Object.entries(SYSTEM_CALLS)) {
  const signature = typed(type.replaceAll('usize', 'i32'));
  add('linux', name, { ...signature, doc, select: systemCall(number, signature.type) });
}

/** Finds an intrinsic by the module and the name it is imported by. */
export function intrinsicOf(module: string, name: string): Intrinsic | undefined {
  return table.get(module)?.get(name);
}

/** All intrinsics, by module and name. */
export const intrinsics: ReadonlyMap<string, ReadonlyMap<string, Intrinsic>> = table;
