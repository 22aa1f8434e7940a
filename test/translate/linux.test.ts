/** Programs for Linux: where system calls' arguments are, what each call does under qemu-arm, the file itself. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import type { Register } from '../../src/isa/registers.js';
import {
  coreRegisters,
  lr,
  pc,
  r0,
  r1,
  r10,
  r11,
  r12,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  sp,
} from '../../src/isa/registers.js';
import { linuxDeclarations } from '../../src/translate/declarations.js';
import { intrinsicOf } from '../../src/translate/intrinsics.js';
import { ERRORS, OPEN_FLAGS } from '../../src/translate/linux/constants.js';
import { readNote } from '../../src/translate/linux/elf.js';
import { linuxProgram } from '../../src/translate/linux/program.js';
import { SYSTEM_CALLS } from '../../src/translate/linux/system-calls.js';
import { translate } from '../../src/translate/translate.js';
import { readModule } from '../../src/wasm/read.js';
import type { FunctionBytes } from '../../src/wasm/write.js';
import { begin, i32, i64, moduleBytes, op } from '../../src/wasm/write.js';
import { LOAD_ADDRESS, runFrom, userCpu } from '../cpu/machines.js';
import { ramWords } from '../support/ram.js';
import { callsExpected, callsSaid, LINKED } from './system-calls-said.js';
import { runInNode } from '../hypberryd/kernel.js';
import { compileSample, inFolder, runUnderQemu, SAMPLES_END, textOf } from '../hypberryd/programs.js';

beforeAll(() => ensureTools(['qemu-user', 'binutils-arm-none-eabi']), 300_000);

const names = Object.keys(SYSTEM_CALLS);
const typeOf = (name: string) => intrinsicOf('linux', name)!.type;
const PLACES = { text: 0x1_0000, data: 0x2_0000, end: 0x3_0000 };

test('the declarations are those that the tables give (else run scripts/intrinsics.ts)', () => {
  expect(readFileSync(new URL('../../src/hypberryd/body/linux.ts', import.meta.url), 'utf8')).toBe(
    linuxDeclarations(),
  );
});

describe('a system call', () => {
  /** Functions that make one call each, with their own arguments from the last to the first. */
  const functions = names.map((name): FunctionBytes => {
    const { params, results } = typeOf(name);
    const last = params.length - 1;
    const code = params.flatMap((_, i) => op('local.get', last - i));
    return {
      type: { params: params.toReversed(), results },
      locals: [],
      code: [...code, ...op('call', names.indexOf(name)), ...op('end')],
      name,
    };
  });
  const imports = names.map((name) => ({ module: 'linux', name, type: typeOf(name) }));
  const wasm = moduleBytes(imports, functions, 1);

  /** Words from the last parameter to the first, as the procedure call standard has them: R0 to R3, then the stack. */
  function caller(name: string): { registers: number[]; stack: number[] } {
    const [registers, stack]: [number[], number[]] = [[], []];
    typeOf(name)
      .params.map((type, i) => (type === 'i64' ? [word(i, 0), word(i, 1)] : [word(i, 0)]))
      .toReversed()
      .forEach((words) => {
        if (words.length === 2 && registers.length % 2 === 1) registers.push(0);
        if (registers.length + words.length <= 4) registers.push(...words);
        else {
          while (registers.length < 4) registers.push(0);
          if (words.length === 2 && stack.length % 2 === 1) stack.push(0);
          stack.push(...words);
        }
      });
    return { registers, stack };
  }
  const word = (argument: number, half: number): number => 0x1000 * (argument + 1) + half;
  /** What Linux finds: words in R0 to R6, those of 64-bit arguments in even pairs (man 2 syscall). */
  function wanted(name: string): Map<number, number> {
    const found = new Map<number, number>();
    let register = 0;
    typeOf(name).params.forEach((type, i) => {
      if (type === 'i64') register += register % 2;
      found.set(register++, word(i, 0));
      if (type === 'i64') found.set(register++, word(i, 1));
    });
    return found;
  }

  test('has its arguments and number in their registers, and keeps those of its caller', async () => {
    const [SVC_VECTOR, HANDLER, LOG_END] = [8, 0x40, 0x80];
    const [LOG, AFTER, STACK] = [0x20_0000, 0x21_0000, 0x23_0000];
    /** What the log has of a call: R0 to R7; and what is kept of the caller behind it: R0, R4 to R11. */
    const [LOGGED, KEPT] = [8, 9];
    const kept = (n: number): number => 0x0101_0101 * n;
    const load = (a: Assembler, to: Register, value: number): void => {
      a.movw(to, value & 0xffff);
      a.movt(to, value >>> 16);
    };
    const { image } = translate(wasm, {
      origin: LOAD_ADDRESS,
      before: (a, labelOf) => {
        load(a, sp, STACK);
        for (let n = 4; n <= 11; n++) load(a, coreRegisters[n]!, kept(n));
        names.forEach((name, i) => {
          const { registers, stack } = caller(name);
          stack.forEach((value, n) => {
            load(a, r12, value);
            a.str(r12, [sp, 4 * n]);
          });
          registers.forEach((value, n) => {
            load(a, coreRegisters[n]!, value);
          });
          a.bl(labelOf(name));
          load(a, r12, AFTER + 4 * KEPT * i);
          a.stm(r12, [r0, r4, r5, r6, r7, r8, r9, r10, r11]);
        });
        a.udf(0);
      },
    });
    // Puts R0 to R7 into the log and gives EBADF, as a kernel that keeps all other registers.
    const vectors = assembler(SVC_VECTOR);
    const handler = vectors.label('handler');
    vectors.b(handler);
    vectors.org(HANDLER);
    vectors.at(handler);
    vectors.mov(sp, LOG_END);
    vectors.ldr(sp, [sp]);
    vectors.stm(sp, '!', [r0, r1, r2, r3, r4, r5, r6, r7]);
    vectors.mov(r0, sp);
    vectors.mov(sp, LOG_END);
    vectors.str(r0, [sp]);
    vectors.mvn(r0, ERRORS.EBADF - 1);
    vectors.movs(pc, lr);
    const cpu = await userCpu();
    cpu.memory.load(SVC_VECTOR, vectors.assemble().slice(0, 4));
    cpu.memory.load(HANDLER, vectors.assemble().slice(HANDLER - SVC_VECTOR));
    cpu.memory.load(LOG_END, new Uint8Array(Uint32Array.of(LOG).buffer));
    cpu.memory.load(LOAD_ADDRESS, image);
    expect(runFrom(cpu, LOAD_ADDRESS)).toBe('idle');
    expect(ramWords(cpu, LOG_END, 1)[0]).toBe(LOG + 4 * LOGGED * names.length);
    names.forEach((name, i) => {
      const found = ramWords(cpu, LOG + 4 * LOGGED * i, LOGGED);
      expect(found[7], name).toBe(SYSTEM_CALLS[name]![0]);
      for (const [register, value] of wanted(name))
        expect(found[register], `${name}, R${register}`).toBe(value);
      const [result, ...others] = ramWords(cpu, AFTER + 4 * KEPT * i, KEPT);
      if (typeOf(name).results.length > 0) expect(result, name).toBe(-ERRORS.EBADF >>> 0);
      expect(others, name).toEqual([4, 5, 6, 7, 8, 9, 10, 11].map(kept));
    });
  });

  test('has an argument where it is wanted that is wanted later, too, on both sides of a branch', () => {
    const call = (name: string, ...args: readonly number[][]): number[] => [
      ...args.flat(),
      ...op('call', names.indexOf(name)),
    ];
    const [kept, four] = [op('local.get', 0), [i32(1), i32(2), i32(3), i32(4)]];
    const first = call('prctl', ...four, i32(5));
    const second = call('prctl', ...four, kept);
    const sides = [
      [...call('fsync', kept), ...op('drop'), ...call('close', kept), ...op('drop')],
      [...call('close', kept), ...op('drop'), ...call('fsync', kept), ...op('drop')],
    ] as const;
    const branch = [...begin('if', undefined), ...sides[0], ...op('else'), ...sides[1], ...op('end')];
    const f: FunctionBytes = {
      ...{ type: { params: ['i32'], results: ['i32'] }, locals: [], name: 'f' },
      code: [...first, ...op('drop'), ...second, ...branch, ...kept, ...op('end')],
    };
    const { listing } = translate(moduleBytes(imports, [f], 1), { origin: 0 });
    const lines = listing().split('\n');
    const calls = lines.flatMap((line, i) => (line.includes('svc') ? [i] : []));
    // R4 holds 5 in the first call, what is kept in the second: it comes back between the two.
    expect(lines.slice(calls[0], calls[1]).join('\n')).toMatch(/mov r4, (?:r\d+|ip|lr)\b/);
  });

  test('each is the one by whose name qemu-arm knows its number', () => {
    /** Of them qemu-arm reads an address to show it, and ends where there is none. */
    const WITH_ADDRESS = ['bind', 'connect'];
    const namesOf = (called: readonly string[]): string[] => {
      const all = called.flatMap((name) => [
        ...(WITH_ADDRESS.includes(name)
          ? [...i32(0), ...i32(PLACES.data), ...i32(16)]
          : typeOf(name).params.flatMap((type) => (type === 'i64' ? i64(0n) : i32(0)))),
        ...[...op('call', names.indexOf(name)), ...op('drop')],
      ]);
      const main: FunctionBytes = {
        ...{ type: { params: [], results: ['i32'] }, locals: [], name: 'main' },
        code: [...all, ...i32(0), ...op('end')],
      };
      const { file } = linuxProgram(moduleBytes(imports, [main], 3), PLACES);
      const { stderr } = runUnderQemu(file, [], { options: ['-strace'] });
      return [...textOf(stderr).matchAll(/^\d+ (\w+)\(/gm)].map(([, name]) => name!);
    };
    // Nothing that zeros ask for does harm; qemu-arm is silent of an execve without a path, and ends at a bind or connect without an
    // address, which the sample has.
    const ordered = names.filter(
      (name) => !['exit_group', 'execve', 'fork', 'bind', 'connect'].includes(name),
    );
    // The end of main calls it.
    expect(namesOf(ordered)).toEqual([...ordered, 'exit_group']);
    // Behind it the lines of parent and child may be mixed.
    expect(namesOf(['fork'])[0]).toBe('fork');
  });

  test('each does under qemu-arm what its page says', async () => {
    const { wasm: sample, file } = await compileSample('test/translate/samples/system-calls.ts');
    const called = readModule(sample).imports.filter(({ module }) => module === 'linux');
    expect(called.map(({ name }) => name).sort()).toEqual(names.toSorted());
    const before = Math.floor(Date.now() / 1000);
    inFolder((cwd) => {
      symlinkSync(LINKED, join(cwd, 'link'));
      const ended = runUnderQemu(file, ['first'], { cwd, environment: { WORD: 'other' } });
      expect(textOf(ended.stderr)).toBe('');
      const said = textOf(ended.stdout);
      expect(callsSaid(said)).toEqual(callsExpected(process.geteuid!()));
      const time = Number(/^time (\d+)$/m.exec(said)![1]);
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThan(before + 60);
      const environment = [`PATH=${process.env['PATH']!}`, 'WORD=other'];
      expect(said.split('\n').filter((line) => environment.includes(line))).toHaveLength(2);
      // Of a status the low byte counts.
      expect(ended.status).toBe(300 & 0xff);
      // What Linux itself has in the file.
      const moved = join(cwd, 'folder/other');
      expect(statSync(moved).size).toBe(0x1_4000_0003);
      const four = Buffer.alloc(4);
      const opened = openSync(moved, 'r');
      readSync(opened, four, 0, 4, 0x1_0000_0005);
      closeSync(opened);
      expect(four.toString()).toBe('HIGH');
    });
  }, 120_000);
});

describe('constants', () => {
  test('errors are those of Linux', () => {
    expect(constants.errno).toMatchObject(ERRORS);
  });

  test('flags of open are what qemu-arm takes them for', () => {
    const flags = Object.entries(OPEN_FLAGS).filter(([, value]) => value > 2);
    const call = (value: number): number[] => [...i32(0x2_0000), ...i32(value), ...i32(0)];
    const wasm = moduleBytes(
      [{ module: 'linux', name: 'open', type: typeOf('open') }],
      [
        {
          ...{ type: { params: [], results: ['i32'] }, locals: [], name: 'main' },
          code: [
            ...flags.flatMap(([, value]) => [...call(value), ...op('call', 0), ...op('drop')]),
            ...[...i32(0), ...op('end')],
          ],
        },
      ],
      3,
    );
    const { stderr } = runUnderQemu(linuxProgram(wasm, PLACES).file, [], { options: ['-strace'] });
    const taken = [...textOf(stderr).matchAll(/open\("",O_RDONLY\|(\w+)/g)].map((match) => match[1]);
    expect(taken).toEqual(flags.map(([name]) => name));
  });
});

test('tables of constants, and static data that change, are the same in Node and under qemu-arm', async () => {
  const { wasm, file } = await compileSample('test/translate/samples/tables.ts');
  const lines = [
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((it) => it ** 3),
    ...[1, 0, 0xfedc_ba98, 0x7654_3210, 32767, 0, 65535, 'one', 'two', 'a longer one', 8, 1, 0, 0, 5],
  ];
  const said = { status: 0, signal: null, stdout: lines.map((it) => `${it}\n`).join('') };
  for (const ended of [runInNode(wasm, { args: ['tables'], end: SAMPLES_END }), runUnderQemu(file, [])])
    expect({ ...ended, stdout: textOf(ended.stdout) }).toMatchObject(said);
});

describe('the file', () => {
  const main = (code: number[], type: FunctionBytes['type'] = { params: [], results: ['i32'] }): Uint8Array =>
    moduleBytes([], [{ type, locals: [], code: [...code, ...op('end')], name: 'main' }], 3);

  test('is a static executable whose code cannot be written, whose data and stack cannot be executed', () => {
    const { file, translation } = linuxProgram(main(i32(3)), PLACES);
    const said = inFolder((folder) => {
      const path = join(folder, 'program');
      writeFileSync(path, file);
      return execFileSync('arm-none-eabi-readelf', ['-hlW', path]).toString();
    });
    const size = (translation.codeEnd - PLACES.text).toString(16).padStart(5, '0');
    expect(said).toMatch(/Type: +EXEC/);
    expect(said).toMatch(/Machine: +ARM/);
    expect(said).toMatch(/Flags: +0x5000000, Version5 EABI/);
    expect(said).toMatch(/Entry point address: +0x10000/);
    expect(said).toMatch(new RegExp(`LOAD +0x001000 0x00010000 0x00010000 0x${size} 0x${size} R E 0x1000`));
    expect(said).toMatch(/LOAD +0x001000 0x00020000 0x00020000 0x00000 0x10000 RW +0x1000/);
    expect(said).toMatch(/GNU_STACK .* RW +0x10\n/);
    expect(runUnderQemu(file, []).status).toBe(3);
  });

  test('has no gap where its data begin as far into their page as its headers end', () => {
    // 52 bytes of the file's header, 32 for each of three programs'.
    const headers = 52 + 3 * 32;
    const { file, translation } = linuxProgram(main(i32(5)), { ...PLACES, data: PLACES.data + headers });
    expect(translation.symbols.get('entry')).toBe(PLACES.text + headers);
    expect(file.length).toBe(translation.codeEnd - PLACES.text);
    expect(runUnderQemu(file, []).status).toBe(5);
  });

  test('says of itself what it is to say, and runs as without that', () => {
    const note = { owner: 'somebody', type: 7, text: 'three' };
    const { file } = linuxProgram(main(i32(3)), PLACES, note);
    const said = inFolder((folder) => {
      const path = join(folder, 'program');
      writeFileSync(path, file);
      return execFileSync('arm-none-eabi-readelf', ['-nlW', path]).toString();
    });
    expect(said).toMatch(/somebody +0x00000006\s.*0x00000007/);
    // Three words, the owner with its 0 and to a multiple of 4, the text likewise, behind headers of 180 bytes.
    expect(said).toMatch(/NOTE +0x0000b4 .* 0x00020 0x00000 R +0x4\n/);
    expect(said).not.toMatch(/warning/i);
    expect(runUnderQemu(file, []).status).toBe(3);
    expect(readNote(file, note)).toBe('three');
    expect(readNote(file.subarray(0, 212), note)).toBe('three');
    expect(readNote(file.subarray(0, 211), note)).toBeUndefined();
    expect(readNote(file, { ...note, type: 6 })).toBeUndefined();
    expect(readNote(file, { ...note, owner: 'some' })).toBeUndefined();
    expect(readNote(linuxProgram(main(i32(3)), PLACES).file, note)).toBeUndefined();
  });

  test('whatever stands in its headers, a note is read or there is none', () => {
    const note = { owner: 'o', type: 1, text: 't' };
    const { file } = linuxProgram(main(i32(3)), PLACES, note);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 220 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = file.slice(0, 512);
        changed[at] = byte;
        expect(['t', undefined, expect.any(String)]).toContainEqual(readNote(changed, note));
      }),
      { numRuns: 2000 },
    );
  });

  test('a store to its code, an access beyond its memory and what traps in WebAssembly end it', () => {
    const at = (code: number[]): string | null =>
      runUnderQemu(linuxProgram(main(code), PLACES).file, []).signal;
    expect(at([...i32(0x1_0000), ...i32(0), ...op('i32.store', 2, 0), ...i32(0)])).toBe('SIGSEGV');
    expect(at([...i32(0x2_ffff), ...op('i32.load8_u', 0, 0)])).toBe(null);
    expect(at([...i32(0x3_0000), ...op('i32.load8_u', 0, 0)])).toBe('SIGSEGV');
    expect(at([...op('unreachable')])).toBe('SIGILL');
  });

  test.each<[string, string, Uint8Array]>([
    ['no main', 'translate.main', moduleBytes([], [], 3)],
    ['a main of another type', 'translate.main', main([], { params: ['i64'], results: [] })],
    [
      'a main that wants more',
      'translate.main',
      main(i32(0), { params: Array(5).fill('i32'), results: ['i32'] }),
    ],
    [
      'code that is too long',
      'translate.place',
      main(
        Array.from({ length: 0x4000 }, () => [...i32(0x2_0000), ...i32(7), ...op('i32.store', 2, 0)])
          .flat()
          .concat(i32(0)),
      ),
    ],
    [
      'an import of no kernel',
      'translate.import',
      moduleBytes(
        [{ module: 'linux', name: 'reboot', type: { params: [], results: [] } }],
        [
          {
            type: { params: [], results: ['i32'] },
            locals: [],
            code: [...i32(0), ...op('end')],
            name: 'main',
          },
        ],
        3,
      ),
    ],
  ])('%s is refused', (_, code, wasm) => {
    expect(() => linuxProgram(wasm, PLACES)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
