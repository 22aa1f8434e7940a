/**
 * Barriers that no machine of ours needs, and the architecture wants: they are looked for in the words of the image,
 * in the order in which they stand. Of those between accesses to devices and between cores the models tell.
 */
import { expect, test } from 'vitest';
import { readU32LE } from '../../src/base/bytes.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import type { Fields } from '../../src/isa/pattern.js';
import * as reg from '../../src/isa/system-registers.js';
import { guest, quietHost, smallImage } from './payloads.js';

/** What an instruction is here. */
interface Instruction {
  readonly at: number;
  readonly operation: string;
  readonly writes: string | undefined;
  readonly reads: string | undefined;
  /** Where a branch leads to. */
  readonly target: number | undefined;
}

interface Routine {
  readonly name: string;
  readonly code: readonly Instruction[];
}

const image = smallImage(quietHost, [guest(new Uint8Array(32))]);
const { symbols, codeEnd, image: bytes } = image.hypervisor;
const places = [...symbols].map(([name, at]) => ({ name, at })).sort((one, other) => one.at - other.at);

/** The system register of a coprocessor access; undefined for one that is not in the table. */
function registerOf(operation: string, f: Fields): string | undefined {
  if (!/^MCRR?$|^MRRC?$|^MRC$/.test(operation)) return undefined;
  const wide = operation.endsWith('RR') || operation === 'MRRC';
  return Object.values(reg).find(
    (it) =>
      typeof it === 'object' &&
      'CRm' in it &&
      (it.size === 64) === wide &&
      f['coproc'] === 15 &&
      it.CRm === f['CRm'] &&
      it.opc1 === f['opc1'] &&
      (wide || !('CRn' in it) || (it.CRn === f['CRn'] && it.opc2 === f['opc2'])),
  )?.name;
}

function instructionAt(at: number): Instruction {
  const word = readU32LE(bytes, at - symbols.get('vectors')!);
  const decoded = decodeA32(word);
  const operation = decoded?.encoding.operation ?? 'none';
  const fields: Fields = decoded?.fields ?? {};
  const register = registerOf(operation, fields);
  const isBranch = operation === 'B' || operation === 'BL_imm';
  return {
    at,
    operation,
    writes: /^MCR/.test(operation) ? register : undefined,
    reads: /^MR[RC]/.test(operation) ? register : undefined,
    target: isBranch ? (at + 8 + ((fields['imm24']! << 8) >> 6)) >>> 0 : undefined,
  };
}

const routines: readonly Routine[] = places.flatMap(({ name, at }, i) => {
  const end = Math.min(places[i + 1]?.at ?? codeEnd, codeEnd);
  if (at < symbols.get('vectors')! || at >= codeEnd || /^text\.|^command\.|^word\./.test(name)) return [];
  return [{ name, code: Array.from({ length: (end - at) / 4 }, (_, n) => instructionAt(at + 4 * n)) }];
});

const isTranslations = (name = ''): boolean => name.startsWith('TLBI');
const isInstructions = (name = ''): boolean => /^(?:ICI|BPI)/.test(name);
const isData = (name = ''): boolean => /^DC/.test(name);
const isStore = (operation: string): boolean => /^(?:STR|STM)/.test(operation);
/** Another routine, or whoever called this one, goes on. */
const isLeft = ({ operation, target }: Instruction, { code }: Routine): boolean =>
  operation === 'ERET' ||
  operation === 'BX' ||
  operation === 'BL_imm' ||
  /^LDM/.test(operation) ||
  (target !== undefined && (target < code[0]!.at || target > code.at(-1)!.at));

/**
 * Looks for a barrier behind each of some instructions, before others.
 * @param begins which instructions want one
 * @param barrier the operations of which one is to come
 * @param before before which instructions
 * @returns where it is missing, and how many wanted one
 */
function missing(
  begins: (it: Instruction) => boolean,
  barrier: string,
  before: (it: Instruction, routine: Routine) => boolean,
): { missing: string[]; wanted: number } {
  const found: string[] = [];
  let wanted = 0;
  for (const routine of routines) {
    routine.code.forEach((first, n) => {
      if (!begins(first)) return;
      wanted++;
      const rest = routine.code.slice(n + 1);
      const end = rest.findIndex((it) => it.operation === barrier || before(it, routine));
      if (rest[end]?.operation !== barrier) found.push(`${routine.name}: ${first.at.toString(16)}`);
    });
  }
  return { missing: found, wanted };
}

test('maintenance has come to its end before anything hangs on it (DDI 0406C B2.2.7, B3.10.1)', () => {
  const isAny = ({ writes }: Instruction): boolean =>
    isTranslations(writes) || isInstructions(writes) || isData(writes);
  const complete = missing(
    isAny,
    'DSB',
    (it, routine) => it.operation === 'ISB' || it.writes === 'VTTBR' || isLeft(it, routine),
  );
  expect(complete.missing).toEqual([]);
  expect(complete.wanted).toBeGreaterThan(8);
});

test('this core goes on with what it has then (A3.8.3, B3.10.1)', () => {
  const { missing: found, wanted } = missing(
    ({ writes }) => isTranslations(writes) || isInstructions(writes),
    'ISB',
    (it, routine) => isStore(it.operation) || isLeft(it, routine),
  );
  expect(found).toEqual([]);
  expect(wanted).toBeGreaterThan(5);
});

test('descriptors are in memory before translations of older ones go (B3.10.1)', () => {
  // Those that are cleaned for walks past the caches, and those of the window.
  const cleaned = missing(
    ({ writes }) => writes === 'DCCMVAC',
    'DSB',
    ({ writes }) => isTranslations(writes),
  );
  expect(cleaned.missing).toEqual([]);
  expect(cleaned.wanted).toBeGreaterThan(0);
  const windows = routines.flatMap(({ code }) =>
    code.flatMap(({ writes }, n) => (writes === 'TLBIMVAHIS' ? [code[n - 1]!.operation] : [])),
  );
  expect(new Set(windows)).toEqual(new Set(['DSB']));
});

test('a window is there before it is used, and what was written through it before it goes', () => {
  const { code } = routines.find(({ name }) => name.endsWith('/loadPiece'))!;
  const { at } = places.find(({ name }) => name.endsWith('/toMemory'))!;
  const use = code.findIndex(({ target }) => target === at);
  const change = code.slice(0, use).findLastIndex(({ operation }) => isStore(operation));
  const between = code.slice(change, use).map(({ operation }) => operation);
  expect(between.filter((it) => it === 'DSB' || it === 'ISB')).toEqual(['DSB', 'ISB']);
  // Uncached writes are in memory: a DSB of the full system, before the descriptor changes.
  const end = code.findIndex(({ writes }) => writes === 'TLBIMVAHIS');
  const last = code.slice(0, end).findLastIndex(({ operation }) => operation === 'BL_imm');
  const closing = code.slice(last + 1, end).map(({ operation }) => operation);
  const [barrier, store] = [closing.indexOf('DSB'), closing.findIndex(isStore)];
  expect(barrier).toBeGreaterThanOrEqual(0);
  expect(store).toBeGreaterThan(barrier);
});

test('a change of context counts before what hangs on it (B3.15.5)', () => {
  const rules: readonly (readonly [
    change: string,
    before: (it: Instruction, routine: Routine) => boolean,
  ])[] = [
    ['CSSELR', ({ reads }) => reads === 'CCSIDR'],
    ['HSCTLR', () => true],
    ['VTTBR', (it, routine) => isTranslations(it.writes) || isInstructions(it.writes) || isLeft(it, routine)],
    ['ATS12NSOPR', ({ reads }) => reads === 'PAR'],
  ];
  for (const [change, before] of rules) {
    const { missing: found, wanted } = missing(({ writes }) => writes === change, 'ISB', before);
    expect(found).toEqual([]);
    expect(wanted).toBeGreaterThan(0);
  }
});

test('VFP is reached only when HCPTR and FPEXC count (B1.11.3)', () => {
  const at = (name: string): number => symbols.get(name)!;
  const users = ['saveVfp', 'loadVfp', 'unparkVfp'].map(at);
  const late = routines.flatMap(({ name, code }) =>
    code.flatMap((it, n) => {
      if (it.target === undefined || !users.includes(it.target)) return [];
      const before = code.slice(0, n);
      const change = before.findLastIndex(({ writes }) => writes === 'HCPTR');
      return before.slice(change).some(({ operation }) => operation === 'ISB') ? [] : [`${name}: ${n}`];
    }),
  );
  expect(late).toEqual([]);
  const load = routines.find(({ name }) => name === 'loadVfp')!.code.map(({ operation }) => operation);
  expect(load.indexOf('ISB')).toBe(load.indexOf('VMSR') + 1);
});

test('the host’s and the guests’ code begins with nothing older in the way', () => {
  // Each core: caches and translations are gone before HYP mode's MMU is on, others' before the first machine.
  const { code } = routines.find(({ name }) => name === 'secondaryEntry')!;
  const on = code.findIndex(({ writes }) => writes === 'HSCTLR');
  const before = code.slice(0, on).map(({ writes, operation }) => writes ?? operation);
  const [maintained, dsb, isb] = ['ICIALLU', 'DSB', 'ISB'].map((it) => before.indexOf(it)) as [
    number,
    number,
    number,
  ];
  expect([maintained >= 0, dsb > maintained, isb > dsb]).toEqual([true, true, true]);
});
