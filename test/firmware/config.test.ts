import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  numberSetting,
  PI2,
  readConfig,
  textSetting,
  type ConfigOptions,
} from '../../src/firmware/config.js';
import { memoryCard } from '../support/memory-card.js';

/** What applies, as name=value of the last line for each name. */
async function settings(text: string, options?: ConfigOptions, more: Record<string, string> = {}) {
  const config = await readConfig(memoryCard({ 'config.txt': text, ...more }), options);
  return Object.fromEntries([...config.settings].map(([name, { value }]) => [name, value]));
}

const lines = (...all: readonly string[]): string => all.join('\n') + '\n';

describe('config.txt', () => {
  test('a missing one is an empty one', async () => {
    const config = await readConfig(memoryCard({}));
    expect([...config.settings]).toEqual([]);
    expect(config).toMatchObject({ initramfs: undefined, deviceTree: [], notes: [], files: [] });
  });

  test('one that is no file of settings by its size is refused', async () => {
    const config = await readConfig(memoryCard({ 'config.txt': '#'.repeat(0x4_0000) }));
    expect(config.files).toEqual(['config.txt']);
    const larger = readConfig(memoryCard({ 'config.txt': '#'.repeat(0x4_0001) }));
    await expect(larger).rejects.toMatchObject({ code: 'firmware.config-size' });
  });

  // By hand, from the documentation ("What is config.txt?", "Conditional filters") and the issues named.
  test.each<[string, string, Record<string, string>]>([
    ['the last line wins', lines('a=1', 'b=2', 'a=3'), { a: '3', b: '2' }],
    ['comments and blank lines', lines('# a=1', '', '   ', '#b=2', 'c=3#4'), { c: '3#4' }],
    ['CR LF', 'a=1\r\n[pi3]\r\na=2\r\n[all]\r\nb=3\r\n', { a: '1', b: '3' }],
    ['no line end at the end', 'a=1\nb=2', { a: '1', b: '2' }],
    ['blanks around a line', lines('  a=1  ', '\tb=2'), { a: '1', b: '2' }],
    ['a value with an equals sign', lines('dtparam=audio=on'), { dtparam: 'audio=on' }],
    ['an empty value', lines('device_tree=foo', 'device_tree='), { device_tree: '' }],
    ['names with regard to case', lines('Kernel=1', 'kernel=2'), { Kernel: '1', kernel: '2' }],
    ['[pi2] on a Pi 2', lines('[pi2]', 'a=1'), { a: '1' }],
    [
      'other models',
      lines('[pi1]', 'a=1', '[pi3]', 'b=1', '[pi3+]', 'c=1', '[pi0w]', 'd=1', '[cm4]', 'e=1'),
      {},
    ],
    ['one model replaces another', lines('[pi3]', 'a=1', '[pi2]', 'b=1', '[pi4]', 'c=1'), { b: '1' }],
    ['[all] after a filter', lines('[pi3]', 'a=1', '[all]', 'b=1'), { b: '1' }],
    ['[none]', lines('a=1', '[none]', 'a=2', '[all]', 'b=3'), { a: '1', b: '3' }],
    [
      'filters without regard to case',
      lines('[PI2]', 'a=1', '[Pi3]', 'b=1', '[ALL]', 'c=1'),
      { a: '1', c: '1' },
    ],
    ['a model and a monitor', lines('[EDID=VSC-TD2220]', 'a=1', '[pi2]', 'b=1', '[all]', 'c=1'), { c: '1' }],
    ['a model and a pin', lines('[gpio4=1]', '[pi2]', 'a=1', '[gpio4=0]', 'b=1', '[pi3]', 'c=1'), { a: '1' }],
    ['pins pulled down', lines('[gpio17=0]', 'a=1', '[gpio17=1]', 'b=1'), { a: '1' }],
    [
      'the board type',
      lines('[board-type=0x04]', 'a=1', '[board-type=0x11]', 'b=1', '[board-type=4]', 'c=1'),
      { a: '1', c: '1' },
    ],
    ['a serial number', lines('[0x12345678]', 'a=1', '[0x00000000]', 'b=1'), { b: '1' }],
    ['[tryboot]', lines('[tryboot]', 'a=1', '[all]', 'b=1'), { b: '1' }],
    ['an unknown filter', lines('[pi99]', 'a=1', '[moon]', 'b=1', '[all]', 'c=1'), { c: '1' }],
    ['a filter with more on its line', lines('[pi3] # a Pi 3', 'a=1', '[pi2] # this', 'b=1'), { b: '1' }],
  ])('%s', async (_, text, expected) => {
    expect(await settings(text)).toEqual(expected);
  });

  test('each setting knows its file and line', async () => {
    const card = memoryCard({
      'config.txt': lines('a=1', '', 'include more.txt', 'c=3'),
      'more.txt': lines('#', 'b=2'),
    });
    const config = await readConfig(card);
    expect(config.settings.get('a')).toEqual({ name: 'a', value: '1', file: 'config.txt', line: 1 });
    expect(config.settings.get('b')).toEqual({ name: 'b', value: '2', file: 'more.txt', line: 2 });
    expect(config.settings.get('c')).toEqual({ name: 'c', value: '3', file: 'config.txt', line: 4 });
    expect(config.files).toEqual(['config.txt', 'more.txt']);
  });

  test('include is text put in: filters reach in and out', async () => {
    const more = { 'a.txt': lines('x=1', '[pi3]', 'x=2'), 'b.txt': lines('y=1') };
    expect(await settings(lines('include a.txt', 'z=1', '[all]', 'include b.txt'), {}, more)).toEqual({
      x: '1',
      y: '1',
    });
    expect(await settings(lines('[pi3]', 'include b.txt'), {}, more)).toEqual({});
  });

  test('includes that are missing, or go in circles, or never end, are left out with a note', async () => {
    const missing = await readConfig(memoryCard({ 'config.txt': lines('include gone.txt', 'a=1') }));
    expect(missing.notes).toMatchObject([{ line: 1, text: expect.stringContaining('gone.txt') as string }]);
    expect(textSetting(missing, 'a')).toBe('1');

    const circle = await readConfig(
      memoryCard({
        'config.txt': lines('include b.txt'),
        'b.txt': lines('x=1', 'include CONFIG.TXT', 'y=1'),
      }),
    );
    expect(circle.notes).toMatchObject([{ file: 'b.txt', line: 2 }]);
    expect(circle.settings.size).toBe(2);

    // Each file names the next one twice: 2^20 files without a limit.
    const tower = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        `${i}.txt`,
        lines(`include ${i + 1}.txt`, `include ${i + 1}.txt`),
      ]),
    );
    const high = await readConfig(memoryCard({ 'config.txt': lines('include 0.txt'), ...tower }));
    expect(high.files.length).toBeLessThanOrEqual(64);
    expect(high.notes.length).toBeGreaterThan(0);
  });

  test('firmware older than filters reads every line', async () => {
    const text = lines('[pi3]', 'a=1', '[none]', 'b=2');
    expect(await settings(text, { filters: [] })).toEqual({ a: '1', b: '2' });
  });

  test('another board, another answer', async () => {
    const board = {
      ...PI2,
      serial: 0x1234_5678,
      monitors: ['VSC-TD2220'],
      gpio: () => 1 as const,
      tryboot: true,
    };
    const text = lines(
      '[0x0000000012345678]',
      'a=1',
      '[EDID=VSC-TD2220]',
      'b=1',
      '[gpio4=1]',
      'c=1',
      '[tryboot]',
      'd=1',
    );
    expect(await settings(text, { board })).toEqual({ a: '1', b: '1', c: '1', d: '1' });
  });

  test('lines are cut at 98 characters, or 78', async () => {
    const text = lines(`kernel=${'k'.repeat(200)}`);
    expect((await settings(text))['kernel']).toHaveLength(98 - 7);
    expect((await settings(text, { lineLimit: 78 }))['kernel']).toHaveLength(78 - 7);
    expect((await readConfig(memoryCard({ 'config.txt': text }))).notes).toHaveLength(1);
  });

  test('blanks around the equals sign are part of name and value', async () => {
    const config = await readConfig(memoryCard({ 'config.txt': lines('kernel =a.img', 'cmdline= b.txt') }));
    expect(textSetting(config, 'kernel')).toBeUndefined();
    expect(textSetting(config, 'cmdline')).toBe(' b.txt');
    expect(config.notes).toHaveLength(2);
  });

  test('numbers are decimal or hexadecimal, and end where they end', async () => {
    const text = lines('a=10', 'b=0x8000', 'c=1 # yes', 'd=yes', 'e=-1', 'f=0XFF', 'g=');
    const config = await readConfig(memoryCard({ 'config.txt': text }));
    const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => numberSetting(config, name, 77));
    expect(values).toEqual([10, 0x8000, 1, 0, -1, 255, 0]);
    expect(numberSetting(config, 'h', 77)).toBe(77);
    expect(numberSetting(config, 'h', undefined)).toBeUndefined();
  });

  test('overlays and parameters add up in their order', async () => {
    const text = lines(
      'dtparam=audio=on',
      'dtoverlay=a',
      'dtparam=x=1',
      '[pi3]',
      'dtoverlay=c',
      '[all]',
      'dtoverlay=b,y=2',
    );
    const config = await readConfig(memoryCard({ 'config.txt': text }));
    expect(config.deviceTree.map(({ name, value }) => `${name}=${value}`)).toEqual([
      'dtparam=audio=on',
      'dtoverlay=a',
      'dtparam=x=1',
      'dtoverlay=b,y=2',
    ]);
  });

  test.each<[string, string, object | undefined]>([
    ['followkernel', 'initramfs init.gz followkernel', { names: ['init.gz'], address: 'followkernel' }],
    ['an address', 'initramfs init.gz 0x00800000', { names: ['init.gz'], address: 0x80_0000 }],
    ['0', 'initramfs init.gz 0', { names: ['init.gz'], address: 'followkernel' }],
    ['several files', 'initramfs a,b followkernel', { names: ['a', 'b'], address: 'followkernel' }],
    ['no address (ignored)', 'initramfs init.gz', undefined],
    ['an equals sign (ignored)', 'initramfs=init.gz followkernel', undefined],
    ['something else (ignored)', 'initramfs init.gz after', undefined],
    [
      'ramfsfile and ramfsaddr',
      'ramfsfile=r.gz\nramfsaddr=0x2000000',
      { names: ['r.gz'], address: 0x200_0000 },
    ],
    ['ramfsaddr=-1', 'ramfsfile=r.gz\nramfsaddr=-1', { names: ['r.gz'], address: 'followkernel' }],
    ['ramfsaddr alone', 'ramfsaddr=0x2000000', undefined],
    ['the last one', 'initramfs a 0x1000\n[pi3]\ninitramfs b 0x2000', { names: ['a'], address: 0x1000 }],
  ])('initramfs with %s', async (_, text, expected) => {
    const { initramfs } = await readConfig(memoryCard({ 'config.txt': text }));
    if (expected) expect(initramfs).toMatchObject(expected);
    else expect(initramfs).toBeUndefined();
  });

  test('any mixture of filters and lines is what a second reading of the rules makes of it', async () => {
    // Each filter with its kind and whether it holds on a Pi 2; the rule is that of the documentation's last section.
    const filters = [
      ['[pi2]', 'model', true],
      ['[pi3]', 'model', false],
      ['[pi4]', 'model', false],
      ['[EDID=A-B]', 'monitor', false],
      ['[gpio2=1]', 'pin', true],
      ['[gpio2=0]', 'pin', false],
      ['[0x99]', 'serial', false],
      ['[0x0]', 'serial', true],
      ['[board-type=0x4]', 'type', true],
      ['[board-type=0x8]', 'type', false],
      ['[tryboot]', 'tryboot', false],
      ['[none]', 'none', false],
      ['[all]', 'all', true],
    ] as const;
    const line = fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom(...filters) },
      { weight: 2, arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(9)) },
      { weight: 1, arbitrary: fc.constantFrom('', '# x=1', '#[all]') },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.constantFrom('\n', '\r\n'), async (all, end) => {
        const expected: Record<string, string> = {};
        all.forEach((item, i) => {
          if (typeof item === 'string' || item.length === 3) return;
          // For each kind the last filter before this line counts, unless [all] came after it.
          const before = all.slice(0, i).filter((it) => typeof it !== 'string' && it.length === 3);
          const since = before.slice(before.findLastIndex(([name]) => name === '[all]') + 1);
          const holds = since.every(
            ([, kind, result], n) => result || since.slice(n + 1).some(([, other]) => other === kind),
          );
          if (holds) expected[item[0]] = String(item[1]);
        });
        const text = all
          .map((item) =>
            typeof item === 'string' ? item : item.length === 3 ? item[0] : `${item[0]}=${item[1]}`,
          )
          .join(end);
        expect(await settings(text)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('any text is read without a fault', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: 'binary', maxLength: 200 }),
        async (raw, text) => {
          for (const content of [raw, text]) await readConfig(memoryCard({ 'config.txt': content }));
        },
      ),
      { numRuns: 300 },
    );
  });
});
