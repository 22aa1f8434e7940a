/** Every operation of the tables is run by something, with fields that its encodings have. */
import { describe, expect, test } from 'vitest';
import type { Execute, Executes } from '../../src/cpu/instruction.js';
import type { SlowOperation } from '../../src/cpu/lower.js';
import { lowerings } from '../../src/cpu/lowerings.js';
import type { Needs, Operation, OperationFields } from '../../src/cpu/operation-fields.js';
import { slowInstructions } from '../../src/cpu/slow/index.js';
import { likeA32 } from '../../src/cpu/t32-fields.js';
import { thumbLowerings } from '../../src/cpu/thumb.js';
import { a32Encodings } from '../../src/isa/a32/index.js';
import { t32Encodings } from '../../src/isa/t32/index.js';

/** It is lowered where its condition is. */
const BRANCH = 'B';

/** The operations of encodings that none of the tables of what runs them has. */
function unrun(encodings: readonly { readonly operation: string }[], ...tables: readonly object[]): string[] {
  const operations = new Set(encodings.map(({ operation }) => operation));
  return [...operations].filter(
    (operation) => operation !== BRANCH && !tables.some((table) => operation in table),
  );
}

describe('every operation', () => {
  test('of the tables is lowered or runs in TypeScript', () => {
    expect(unrun(a32Encodings, lowerings, slowInstructions)).toEqual([]);
    expect(unrun(t32Encodings, lowerings, thumbLowerings, slowInstructions)).toEqual([]);
  });

  test('that is missing is seen', () => {
    const { SVC, ...rest } = slowInstructions;
    expect(SVC).toBeTypeOf('function');
    expect(unrun(a32Encodings, lowerings, rest)).toEqual(['SVC']);
  });

  test('that runs is one of the tables', () => {
    const known = new Set([...a32Encodings, ...t32Encodings].map(({ operation }) => operation));
    const run = [lowerings, thumbLowerings, slowInstructions].flatMap((table) => Object.keys(table));
    expect(run.filter((operation) => !known.has(operation))).toEqual([]);
  });
});

// What these tests expect is errors of `npm run check`: an expected error that is none is one there.
describe('the types', () => {
  test('miss an operation that nothing runs', () => {
    const { SVC, ...withoutSlow } = slowInstructions;
    expect(SVC).toBeTypeOf('function');
    // @ts-expect-error SVC is missing.
    const missing: Executes<SlowOperation> = withoutSlow;
    expect(missing).not.toHaveProperty('SVC');
    const { MUL, ...withoutRefused } = slowInstructions;
    expect(MUL).toBeTypeOf('function');
    // @ts-expect-error MUL is lowered, but not with R15.
    const refused: Executes<SlowOperation> = withoutRefused;
    expect(refused).not.toHaveProperty('MUL');
  });

  test('know the operations and their fields', () => {
    // @ts-expect-error There is no such operation.
    const operation: Operation = 'ADD_immediate';
    const add = { Rd: 0, Rn: 1 };
    const fields: OperationFields<'ADD_imm'> = add;
    // A32 has S; not all of T32 does.
    const s: number | undefined = fields.S;
    // @ts-expect-error So it may be missing.
    const always: number = fields.S;
    // @ts-expect-error No encoding of it has Rm.
    const rm: unknown = fields.Rm;
    expect([operation, s, always, rm]).toEqual(['ADD_immediate', undefined, undefined, undefined]);
  });

  test('refuse code that reads a field which the operation does not have', () => {
    const readsRs: Execute<Needs<'Rs'>> = (_, { Rs }) => {
      expect(Rs).toBeUndefined();
    };
    // @ts-expect-error SVC has no Rs.
    const wrong: Partial<Executes> = { SVC: readsRs };
    // @ts-expect-error No operation has a field Rz.
    type None = Needs<'Rz'>;
    const none: None | undefined = undefined;
    expect([wrong.SVC, none]).toEqual([readsRs, undefined]);
  });
});

describe('T32 fields', () => {
  test('of every encoding stay, but for constants in other units', () => {
    for (const { name, pattern } of t32Encodings) {
      const fields = Object.fromEntries([...pattern.fields.keys()].map((field, i) => [field, i & 1]));
      const like = likeA32(name, fields, false);
      for (const field of Object.keys(fields))
        expect([name, field, field in like]).toEqual([name, field, true]);
    }
  });

  test('set the flags outside an IT block', () => {
    expect(likeA32('ADD_imm_T2', { Rdn: 3, imm8: 7 }, false)).toEqual({
      Rdn: 3,
      Rd: 3,
      Rn: 3,
      imm8: 7,
      S: 1,
    });
    expect(likeA32('ADD_imm_T2', { Rdn: 3, imm8: 7 }, true)).toMatchObject({ S: 0 });
    expect(likeA32('MOV_reg_T2', { Rd: 1, Rm: 2 }, true)).toEqual({ Rd: 1, Rm: 2, S: 1 });
  });
});
