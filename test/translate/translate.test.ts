import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileAssemblyScript } from '../../scripts/lib/assemblyscript.js';
import { HypberryError } from '../../src/base/errors.js';
import { intrinsicDeclarations } from '../../src/translate/declarations.js';
import type { TranslateOptions, Translation } from '../../src/translate/translate.js';
import { translate } from '../../src/translate/translate.js';
import type { FunctionBytes, ImportBytes } from '../../src/wasm/write.js';
import { i32, moduleBytes, op } from '../../src/wasm/write.js';

const root = join(import.meta.dirname, '../..');
const DEVICES = [{ from: 0x3f000000, to: 0x41000000 }];
const nothing = { params: [], results: [] } as const;
const gives = { params: [], results: ['i32'] } as const;

/** The instructions of one function, without addresses. */
function codeOf({ listing, symbols }: Translation, symbol: string): string[] {
  const lines = listing().split('\n');
  const start = lines.indexOf(`${symbol}:`);
  const own = (line: string): boolean => !symbols.has(line.slice(0, -1));
  const length = lines.slice(start + 1).findIndex((line) => !own(line));
  return lines
    .slice(start + 1, length < 0 ? undefined : start + 1 + length)
    .filter((line) => !line.endsWith(':'))
    .map((line) => line.slice(20));
}

describe('intrinsics from AssemblyScript', () => {
  const compile = () =>
    compileAssemblyScript({ entry: 'test/translate/samples/intrinsics.ts', baseDir: root });
  const options: TranslateOptions = {
    origin: 0x8000,
    devices: DEVICES,
    after: (a, labelOf) => {
      a.at(labelOf('park'), labelOf('vectors'));
      a.nop();
    },
  };

  test('the declarations are those that the tables give (else run scripts/intrinsics.ts)', async () => {
    expect(await readFile(join(root, 'src/hypervisor/body/intrinsics.ts'), 'utf8')).toBe(
      intrinsicDeclarations(),
    );
  });

  test('the same source gives the same bytes twice', async () => {
    const [first, second] = [await compile(), await compile()];
    expect(first).toEqual(second);
    expect(translate(first, options).image).toEqual(translate(second, options).image);
  }, 120_000);

  test('each is its instruction, once, where it was written', async () => {
    const text = translate(await compile(), options);
    expect(codeOf(text, 'skip')).toEqual([
      'mrs r0, ELR_hyp',
      'add r0, r0, #4',
      'msr ELR_hyp, r0',
      'cpsid aif',
      'bx lr',
    ]);
    expect(codeOf(text, 'setOffset')).toEqual([
      'mcrr p15, 4, r0, r1, c14',
      'mrrc p15, 6, r0, r1, c2',
      'bx lr',
    ]);
    const order = (symbol: string): string[] =>
      codeOf(text, symbol)
        .map((it) => it.split(' ')[0]!)
        .filter((it) => /^(ldr|str|ldrex|strex|mcr|mrc|dsb|isb|wf|bl$)/.test(it));
    // The loop's test stands at its beginning and at its end.
    expect(order('poll')).toEqual(['ldr', 'wfe', 'ldr', 'strb', 'ldrh']);
    expect(order('descriptor')).toEqual(['ldrd', 'strd', 'dsb', 'mcr']);
    expect(order('count')).toEqual(['ldrex', 'strex', 'wfe', 'ldrex', 'strex', 'ldr']);
    const vectors = text.symbols.get('vectors')!;
    expect(codeOf(text, 'leave').join('\n')).toContain(`#${vectors & 0xffff}`);
  });
});

describe('what must not be there is refused', () => {
  const own = (code: number[], more: Partial<FunctionBytes> = {}): FunctionBytes => ({
    ...{ type: nothing, locals: [], code: [...code, ...op('end')], name: 'culprit' },
    ...more,
  });
  const importing = (module: string, name: string, type: ImportBytes['type'] = nothing): Uint8Array =>
    moduleBytes([{ module, name, type }], [own(op('call', 0))], 1);
  const alone = (code: number[]): Uint8Array => moduleBytes([], [own(code)], 1);
  const drop = op('drop');

  test.each<[string, string, Uint8Array]>([
    ['growing memory', 'translate.grow', alone([...i32(1), ...op('memory.grow', 0), ...drop])],
    ['asking for its size', 'translate.size', alone([...op('memory.size', 0), ...drop])],
    ['calls by number', 'translate.indirect', alone([...i32(0), ...op('call_indirect', 0, 0)])],
    ['an unknown import', 'translate.import', importing('env', 'abort')],
    ['an intrinsic of another type', 'translate.import', importing('mmio', 'read32')],
    ['a register that cannot be written', 'translate.import', importing('sysreg', 'write MIDR')],
    ['an address of another type', 'translate.import', importing('address', 'vectors')],
    ['floating point', 'translate.unknown', alone([0x43, 0, 0, 0, 0, ...drop])],
    [
      'a plain load from a device',
      'translate.device',
      alone([...i32(0x3f201000), ...op('i32.load', 2, 0x18), ...drop]),
    ],
    [
      'a plain store to a device',
      'translate.device',
      alone([...i32(0), ...i32(0), ...op('i64.extend_i32_u'), ...op('i64.store', 3, 0x40000000)]),
    ],
    ['a truncated binary', 'translate.malformed', alone([]).slice(0, -2)],
    ['no binary at all', 'translate.malformed', Uint8Array.of(1, 2, 3, 4)],
  ])('%s', (_, code, wasm) => {
    const attempt = (): unknown => translate(wasm, { origin: 0x8000, devices: DEVICES });
    expect(attempt).toThrow(HypberryError);
    expect(attempt).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('a refusal names the function', () => {
    const wasm = alone([...i32(1), ...op('memory.grow', 0), ...drop]);
    expect(() => translate(wasm, { origin: 0 })).toThrow(/culprit/);
  });

  test('a symbol that nothing defines', () => {
    const wasm = importing('assembly', 'nowhere');
    expect(() => translate(wasm, { origin: 0 })).toThrow(/nowhere/);
  });

  test('what is used rightly is not refused', () => {
    const wasm = moduleBytes(
      [{ module: 'mmio', name: 'read32', type: { params: ['i32'], results: ['i32'] } }],
      [own([...i32(0x3f201018), ...op('call', 0)], { type: gives })],
      1,
    );
    expect(codeOf(translate(wasm, { origin: 0, devices: DEVICES }), 'culprit')).toEqual([
      'movw r0, #4096',
      'movt r0, #16160',
      'ldr r0, [r0, #24]',
      'bx lr',
    ]);
  });
});
