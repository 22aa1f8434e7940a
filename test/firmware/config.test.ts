import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  numberSetting,
  PI2,
  readConfig,
  textSetting,
  type BoardState,
  type ConfigOptions,
} from '../../src/firmware/config.js';
import { LINES_2015, LINES_TODAY } from '../../src/firmware/lines.js';
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

  test.each([
    ['blanks', ' '],
    ['blanks behind letters', `a${' '.repeat(0x3fff)}`],
    ['one line', 'a'],
    ['itself', 'include config.txt\n'],
    ['names that are nearly one', 'kernle=1\n'],
    ['NULs', 'kernel=\0'],
    ['CRs', '\r'],
    ['overlays', 'dtoverlay=a\n'],
  ])('one full of %s is read in seconds', { timeout: 120_000 }, async (_what, part) => {
    const card = memoryCard({ 'config.txt': part.repeat(Math.floor(0x4_0000 / part.length)) });
    for (const how of [LINES_2015, LINES_TODAY]) {
      const begin = process.cpuUsage();
      await readConfig(card, { lines: how });
      expect(process.cpuUsage(begin).user).toBeLessThan(5_000_000);
    }
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
    ['a serial number', lines('[0x12345678]', 'a=1', '[all]', 'b=1'), { b: '1' }],
    ['0 is no serial number', lines('[0x12345678]', 'a=1', '[0x00000000]', 'b=1'), {}],
    ['[board-type=…] is of the kind of models', lines('[pi3]', '[board-type=0x04]', 'a=1'), { a: '1' }],
    ['[tryboot]', lines('[tryboot]', 'a=1', '[all]', 'b=1'), { b: '1' }],
    ['an unknown filter has no effect', lines('[moon]', 'a=1', '[pi3]', '[moon]', 'b=1'), { a: '1' }],
    [
      'blanks around "=" end the name and are passed over',
      lines('a= 1', 'b \t=2', 'kernel  c'),
      { a: '1', kernel: 'c' },
    ],
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

  test('of a long line today drops the rest, and start.elf of 2015 reads it as another line', async () => {
    // The limits that the code of start.elf has; the documentation says 98 characters, and said 78.
    const text = lines(`kernel=${'k'.repeat(71)} x${'='.repeat(20)}kernel=other`);
    const today = await readConfig(memoryCard({ 'config.txt': text }));
    expect(textSetting(today, 'kernel')).toBe(`${'k'.repeat(71)} x${'='.repeat(19)}`);
    const card = memoryCard({ 'config.txt': lines(`kernel=${'k'.repeat(72)}kernel=other`) });
    const old = await readConfig(card, { lines: LINES_2015 });
    expect(textSetting(old, 'kernel')).toBe('other');
    for (const config of [today, old]) expect(config.notes).toMatchObject([{ line: 1, unsure: true }]);
  });

  test('a long line that decides nothing makes nothing unsure', async () => {
    const text = lines(`dtoverlay=${'k'.repeat(200)}`, `# ${'comment '.repeat(30)}`);
    const { notes } = await readConfig(memoryCard({ 'config.txt': text }), { lines: LINES_2015 });
    expect(notes.filter(({ line }) => line === 1).length).toBeGreaterThan(0);
    expect(notes.filter(({ line, unsure }) => line === 2 || unsure)).toEqual([]);
  });

  test('a blank in front of "=" makes it the beginning of the value', async () => {
    const config = await readConfig(memoryCard({ 'config.txt': lines('kernel =a.img', 'cmdline= b.txt') }));
    expect(textSetting(config, 'kernel')).toBe('=a.img');
    expect(textSetting(config, 'cmdline')).toBe('b.txt');
    expect(config.notes).toMatchObject([{ line: 1 }]);
    expect(config.notes.some(({ unsure }) => unsure)).toBe(false);
  });

  test.each(['kernel_address = 0x8000', 'device_tree_address\t=0x100'])(
    'what address the firmware takes from "%s" is not known',
    async (line) => {
      const { notes } = await readConfig(memoryCard({ 'config.txt': lines(line) }));
      expect(notes).toMatchObject([
        { line: 1, unsure: true, text: expect.stringContaining('a blank') as string },
      ]);
    },
  );

  test('names count with regard to case, and one that is nearly known is told', async () => {
    const config = await readConfig(
      memoryCard({ 'config.txt': lines('KERNEL=a', 'kernal_address=1', 'my_own_thing=1', 'hdmi_mode:1=4') }),
    );
    expect(textSetting(config, 'kernel')).toBeUndefined();
    expect(config.notes).toMatchObject([
      { line: 1, text: expect.stringContaining('case') as string },
      { line: 2, text: expect.stringContaining('kernel_address') as string },
    ]);
  });

  const utf16 = (text: string, swap: boolean): Uint8Array =>
    Uint8Array.from([...new TextEncoder().encode(text)].flatMap((byte) => (swap ? [0, byte] : [byte, 0])));

  test.each<[string, Uint8Array]>([
    ['with a mark', Uint8Array.from([0xff, 0xfe, ...utf16('kernel=a\nkernel=b\n', false)])],
    ['without one', utf16('kernel=a\nkernel=b\n', false)],
    ['high byte first', utf16('kernel=a\nkernel=b\n', true)],
  ])('UTF-16 %s: nothing is read, and it is unsure', async (_, bytes) => {
    const config = await readConfig(memoryCard({ 'config.txt': bytes }));
    expect(config.settings.size).toBe(0);
    expect(config.notes).toContainEqual(
      expect.objectContaining({ line: 1, unsure: true, text: expect.stringContaining('UTF-16') as string }),
    );
  });

  test('a byte order mark is a part of the first line, which then does nothing', async () => {
    const config = await readConfig(memoryCard({ 'config.txt': '\ufeffkernel=a\ncmdline=b\n' }));
    expect([...config.settings.values()].filter(({ name }) => /^(kernel|cmdline)$/.test(name))).toMatchObject(
      [{ name: 'cmdline' }],
    );
    expect(config.notes).toMatchObject([{ line: 1 }]);
    expect((await readConfig(memoryCard({ 'config.txt': '\ufeff# kernel=a\n' }))).notes).toEqual([]);
  });

  test('a NUL ends the line for start.elf, and the file for bootcode.bin', async () => {
    const card = memoryCard({ 'config.txt': 'kernel=a\0b\ncmdline=c\n' });
    const config = await readConfig(card);
    expect(textSetting(config, 'kernel')).toBe('a');
    expect(textSetting(config, 'cmdline')).toBe('c');
    expect(config.notes).toMatchObject([{ line: 1, unsure: true }]);
    const boot = await readConfig(card, { lines: { ...LINES_TODAY, nulEnds: 'file' } });
    expect(textSetting(boot, 'cmdline')).toBeUndefined();
  });

  test('lines that end in CR alone are one line', async () => {
    const config = await readConfig(memoryCard({ 'config.txt': '# a comment\rkernel=a\r' }));
    expect(config.settings.size).toBe(0);
    expect(config.notes).toMatchObject([{ line: 1, unsure: true }]);
  });

  test.each([
    ['[EDID=A-B]', 'monitor'],
    ['[gpio4=1]', 'gpio4=1'],
    ['[gpio17=1]', 'gpio17=1'],
    ['[0x1234]', 'serial number'],
    // Documentation, "The HDMI filter": for a Pi 4 alone.
    ['[HDMI:1]', 'documented for a Pi 4 alone'],
    ['[pi2][gpio4=1]', 'two filters on one line ([pi2][gpio4=1])'],
    ['[moon] [pi2]', 'two filters on one line ([moon] [pi2])'],
    ['[all][pi3]', 'two filters on one line ([all][pi3])'],
  ])('what hangs on what nobody knows is unsure where it decides: %s', async (filter, what) => {
    const read = async (board: BoardState, ...all: readonly string[]) =>
      (await readConfig(memoryCard({ 'config.txt': lines(...all) }), { board })).notes;
    const unsure = [{ line: 2, unsure: true, text: expect.stringContaining(what) as string }];
    expect((await read(PI2, filter, 'kernel=a')).filter(({ line }) => line === 2)).toMatchObject(unsure);
    // What the kernel is told is not what is started.
    for (const told of ['cmdline=a.txt', 'dtoverlay=a', 'dtparam=b=on', 'overlay_prefix=o/']) {
      const [note] = (await read(PI2, filter, told)).filter(({ line }) => line === 2);
      expect(note?.text, told).toContain(what);
      expect(note?.unsure, told).toBeUndefined();
    }
    for (const other of [
      ['hdmi_mode=4'],
      ['[all]', 'kernel=a'],
      ['[pi3]', 'kernel=a'],
      ['[none]', 'kernel=a'],
    ])
      expect(
        (await read(PI2, filter, ...other)).filter(({ line }) => line > 1),
        other[0],
      ).toEqual([]);
    if (!/^\[(?:EDID|gpio|0x)[^\]]*\]$/.test(filter)) return;
    const known: BoardState = { ...PI2, serial: 5, monitors: ['C-D'], gpio: () => 0 };
    expect(await read(known, filter, 'kernel=a')).toEqual([]);
  });

  test('a filter that is open at the end of an included file holds on, and that is said', async () => {
    const more = { 'more.txt': lines('[pi3]', 'x=1') };
    const config = await readConfig(memoryCard({ 'config.txt': lines('include more.txt', 'y=1'), ...more }));
    expect(config.settings.size).toBe(0);
    expect(config.notes).toMatchObject([
      { file: 'config.txt', line: 1, text: expect.stringContaining('more.txt') as string },
    ]);
  });

  test('start.elf of July 2015 looks for overlays in config.txt alone', async () => {
    const card = memoryCard({
      'config.txt': lines('include more.txt'),
      'more.txt': lines('dtoverlay=a', 'kernel=b'),
    });
    const config = await readConfig(card, { overlaysInIncludes: false });
    expect(config.deviceTree).toEqual([]);
    expect(textSetting(config, 'kernel')).toBe('b');
    expect(config.notes).toMatchObject([{ file: 'more.txt', line: 1 }]);
    expect((await readConfig(card)).deviceTree).toHaveLength(1);
  });

  test('numbers are decimal, hexadecimal or octal, and end where they end', async () => {
    const text = lines('a=10', 'b=0x8000', 'c=1 # yes', 'd=yes', 'e=-1', 'f=0XFF', 'g=', 'i=010');
    const config = await readConfig(memoryCard({ 'config.txt': text }));
    const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'i'].map((name) => numberSetting(config, name, 77));
    expect(values).toEqual([10, 0x8000, 1, 0, -1, 255, 0, 8]);
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
    ['a comma at the end', 'initramfs a,', { names: ['a'], address: 'followkernel' }],
    ['commas alone', 'initramfs ,, followkernel', undefined],
    ['no address', 'initramfs init.gz', { names: ['init.gz'], address: 'followkernel' }],
    ['an equals sign (does nothing)', 'initramfs=init.gz followkernel', undefined],
    ['something else', 'initramfs init.gz after', { names: ['init.gz'], address: 'followkernel' }],
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

  test.each([
    ['initramfs a,, followkernel', 1],
    ['initramfs ,a', 1],
    ['initramfs a,b', 0],
    ['ramfsfile=', 0],
  ])('%j has a comma that does nothing %i times', async (text, times) => {
    const { notes } = await readConfig(memoryCard({ 'config.txt': text }));
    const comma = expect.objectContaining({
      line: 1,
      text: expect.stringContaining('comma') as string,
    }) as unknown;
    expect(notes).toEqual(Array(times).fill(comma));
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
      ['[board-type=0x4]', 'model', true],
      ['[board-type=0x8]', 'model', false],
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

  // Public instructions for Xvisor have three settings in one line.
  test('a line with more than one setting has one, which is said', async () => {
    const notesOf = async (line: string): Promise<string[]> =>
      (await readConfig(memoryCard({ 'config.txt': line }))).notes.map(({ text }) => text);
    const text = 'enable_uart=1 arm_control=0x200 kernel=u-boot.bin';
    expect(await settings(text)).toEqual({ enable_uart: '1 arm_control=0x200 kernel=u-boot.bin' });
    expect(await notesOf(text)).toEqual([
      'A line is one setting: arm_control behind the value of enable_uart is none.',
    ]);
    for (const plain of ['gpu_mem=64 # gpu_mem is =64', 'dtoverlay=a gpio=4', 'kernel=a b=c'])
      expect(await notesOf(plain)).toEqual([]);
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
