import { describe, expect, test } from 'vitest';
import { readBootcode, splitMemory } from '../../src/firmware/bootcode.js';
import { PI2, readConfig } from '../../src/firmware/config.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { readFirmware, type CardFirmware } from '../../src/firmware/readers.js';
import { BOOTCODE_2015, BOOTCODE_TODAY } from '../support/bootcode.js';
import { zImage } from '../support/kernel-files.js';
import { memoryCard } from '../support/memory-card.js';
import { HYP_STUB, startElfOf, stubWithContract, TEXTS_TODAY } from '../support/stub-sources.js';

const startElf = startElfOf(TEXTS_TODAY, [stubWithContract(HYP_STUB)]);
const CARD = {
  'bootcode.bin': BOOTCODE_TODAY,
  'start.elf': startElf,
  'start_x.elf': startElf,
  'start_db.elf': startElf,
  'start_cd.elf': startElf,
  'kernel7.img': zImage({ packed: new Uint8Array(500) }),
};
const lines = (...all: readonly string[]): string => all.join('\n') + '\n';
const read = (files: Record<string, string | Uint8Array>): Promise<CardFirmware> =>
  readFirmware(memoryCard({ ...CARD, ...files }), PI2, []);

describe('bootcode.bin', () => {
  test('of 2015 knows no filters, and autoboot.txt by its short name', () => {
    expect(readBootcode(BOOTCODE_2015)).toEqual({
      size: BOOTCODE_2015.length,
      filters: [],
      knowsAutoboot: true,
      knowsTryboot: false,
      knowsTrybootAB: false,
      knowsBootPartition: true,
      knowsBootRamdisk: false,
      knowsRecovery: true,
      triesOthers: false,
    });
  });

  test('of today knows filters, tryboot.txt and tryboot_a_b', () => {
    expect(readBootcode(BOOTCODE_TODAY)).toMatchObject({
      filters: [
        'all',
        'pi0',
        'pi1',
        'pi2',
        'pi3',
        'pi4',
        'pi0w',
        'pi3+',
        'none',
        'gpio=',
        'tryboot',
        'board-type',
      ],
      knowsAutoboot: true,
      knowsTryboot: true,
      knowsTrybootAB: true,
      triesOthers: true,
    });
  });

  test('is nothing else', async () => {
    const other = new TextEncoder().encode('<html>404</html>');
    expect(() => readBootcode(other)).toThrow(
      expect.objectContaining({ code: 'firmware.not-bootcode' }) as Error,
    );
    const notes: string[] = [];
    const { bootcode } = await readFirmware(memoryCard({ ...CARD, 'bootcode.bin': other }), PI2, notes);
    expect(bootcode).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining('bootcode.bin')]);
  });
});

describe('the firmware that bootcode.bin loads', () => {
  // Documentation ("Boot folder contents", "start_x, start_debug"); raspberrypi/linux, issues 212 and 503 for gpu_mem.
  test.each<[string, string, string, string]>([
    ['nothing', '', 'start.elf', 'fixup.dat'],
    ['start_x', 'start_x=1', 'start_x.elf', 'fixup_x.dat'],
    ['startx, its older name', 'startx=1', 'start_x.elf', 'fixup_x.dat'],
    ['start_x=0', 'start_x=0', 'start.elf', 'fixup.dat'],
    ['start_debug', 'start_debug=1', 'start_db.elf', 'fixup_db.dat'],
    ['16 MiB', 'gpu_mem=16', 'start_cd.elf', 'fixup_cd.dat'],
    ['31 MiB', 'gpu_mem=31', 'start_cd.elf', 'fixup_cd.dat'],
    ['32 MiB', 'gpu_mem=32', 'start.elf', 'fixup.dat'],
    ['16 MiB for boards with 1 GiB', 'gpu_mem=64\ngpu_mem_1024=16', 'start_cd.elf', 'fixup_cd.dat'],
    [
      '16 MiB for smaller boards, which counts where nothing is said of larger ones',
      'gpu_mem_512=16',
      'start_cd.elf',
      'fixup_cd.dat',
    ],
    ['the same beside what is said of 1 GiB', 'gpu_mem_512=16\ngpu_mem_1024=64', 'start.elf', 'fixup.dat'],
    ['0 MiB, which says nothing', 'gpu_mem=0', 'start.elf', 'fixup.dat'],
    ['start_x and start_file', 'start_file=start_cd.elf\nstart_x=1', 'start_x.elf', 'fixup_x.dat'],
    ['start_x and start_debug', 'start_debug=1\nstart_x=1', 'start_db.elf', 'fixup_db.dat'],
    ['16 MiB and start_x', 'gpu_mem=16\nstart_x=1', 'start_x.elf', 'fixup_x.dat'],
    ['start_file alone', 'start_file=start_x.elf', 'start_x.elf', 'fixup.dat'],
    ['both files', 'start_file=start_x.elf\nfixup_file=fixup_x.dat', 'start_x.elf', 'fixup_x.dat'],
  ])('%s', async (_, config, start, fixup) => {
    expect((await read({ 'config.txt': config })).files).toMatchObject({ start, fixup });
  });

  test('is named with the line that asks for it where it is not there', async () => {
    const card = memoryCard({ 'start.elf': startElf, 'config.txt': 'gpu_mem=24' });
    await expect(readFirmware(card, PI2, [])).rejects.toMatchObject({
      code: 'firmware.no-file',
      message: expect.stringMatching(/gpu_mem=24.*start_cd\.elf/) as string,
    });
  });

  test('comes from config.txt alone: what it includes has no effect on bootcode.bin, and that is said', async () => {
    const more = lines('start_x=1', 'gpu_mem=16', 'total_mem=512', 'kernel=kernel7.img');
    const card = memoryCard({ ...CARD, 'config.txt': 'include more.txt\n', 'more.txt': more });
    const { files, config } = await readFirmware(card, PI2, []);
    expect(files.start).toBe('start.elf');
    expect(config.settings.get('kernel')).toMatchObject({ file: 'more.txt', line: 4 });
    expect(config.notes.map(({ file, line }) => [file, line])).toEqual([
      ['more.txt', 2],
      ['more.txt', 3],
      ['more.txt', 1],
    ]);
    expect(config.notes.every(({ text }) => text.includes('without what it includes'))).toBe(true);
    // The VideoCore keeps 76 MiB of 1 GiB, whatever more.txt says.
    expect((await prepareHandover(card)).armMemory).toBe((1024 - 76) << 20);
  });

  test('is said to hang on bootcode.bin where there is none, and it does', async () => {
    const files = { ...CARD, 'config.txt': lines('[pi3]', 'start_x=1') };
    const notes: string[] = [];
    await readFirmware(memoryCard(files), PI2, notes);
    expect(notes).toEqual([]);
    const without = Object.fromEntries(Object.entries(files).filter(([name]) => name !== 'bootcode.bin'));
    await readFirmware(memoryCard(without), PI2, notes);
    expect(notes).toEqual([expect.stringMatching(/no bootcode\.bin.*start\.elf.*start_x\.elf/)]);
  });

  test('goes on from gpu_mem_1024 to what is said of smaller boards, and that is said', async () => {
    const { config } = await read({ 'config.txt': lines('gpu_mem_256=32', 'gpu_mem_512=64') });
    expect(config.notes).toMatchObject([{ line: 2, text: expect.stringContaining('gpu_mem_512') as string }]);
    expect((await read({ 'config.txt': lines('gpu_mem_512=64', 'gpu_mem_1024=64') })).config.notes).toEqual(
      [],
    );
  });

  test('has a name of eight characters and its own ending for bootcode.bin of 2015', async () => {
    const old = { 'bootcode.bin': BOOTCODE_2015, 'start_cus.elf': startElf, 'start_cu.elf': startElf };
    const config = 'start_file=start_custom.bin\nfixup_file=fixup_c.dat';
    expect((await read({ ...old, 'start_cu.elf': startElf, 'config.txt': config })).files).toMatchObject({
      start: 'start_cu.elf',
      fixup: 'fixup_c.dat',
    });
  });

  test.each<[string, boolean, number, number]>([
    ['', true, 944, 64],
    ['', false, 948, 76],
    ['gpu_mem=16', true, 992, 16],
    ['gpu_mem=31', false, 998, 16],
    ['gpu_mem=256', false, 768, 256],
    ['total_mem=512', false, 448, 64],
    ['total_mem=1', false, 64, 64],
    ['gpu_mem=2000', false, 64, 960],
  ])('splits the memory: "%s", of 2015: %s', async (config, old, arm, gpu) => {
    const split = splitMemory(await readConfig(memoryCard({ 'config.txt': config })), old);
    expect(split).toMatchObject({ arm, gpu });
  });

  test('goes by filters where bootcode.bin knows them, and by every line where it does not', async () => {
    const config = lines('[pi3]', 'start_x=1', '[all]');
    expect((await read({ 'config.txt': config })).files.start).toBe('start.elf');
    const old = await read({ 'bootcode.bin': BOOTCODE_2015, 'config.txt': config });
    expect(old.files.start).toBe('start_x.elf');
    expect(old.config.settings.has('start_x')).toBe(false);
    expect(old.config.notes).toMatchObject([{ file: 'config.txt', line: 2 }]);
  });
});

describe('a filter that only one of the two programs knows', () => {
  const start = startElfOf(
    TEXTS_TODAY.filter((text) => text !== 'gpio'),
    [stubWithContract(HYP_STUB)],
  );
  const notesOf = async (...all: string[]) =>
    (await read({ 'config.txt': lines(...all), 'start.elf': start })).config.notes;

  // raspberrypi/firmware, issues 716 and 1076: bootcode.bin knows no monitors.
  test.each([BOOTCODE_TODAY, undefined])(
    'is open for a line that the other reads in no case',
    async (bootcode) => {
      const files: Record<string, string | Uint8Array> = {
        ...CARD,
        'config.txt': lines('[EDID=ADA-HDMI]', 'gpu_mem=256', '[all]'),
      };
      if (bootcode) files['bootcode.bin'] = bootcode;
      else delete files['bootcode.bin'];
      const { config } = await readFirmware(memoryCard(files), PI2, []);
      expect(config.notes).toEqual([
        { file: 'config.txt', line: 2, text: expect.stringContaining('This line applies') as string },
      ]);
      const memory = await prepareHandover(memoryCard(files));
      expect(memory.armMemory).toBe((1024 - 256) << 20);
    },
  );

  test('is said, and unsure, where it is bootcode.bin that knows it', async () => {
    const known = new TextDecoder('latin1').decode(BOOTCODE_TODAY).replace('none\0', 'none\0\0\0\0gpio\0');
    const bootcode = Uint8Array.from(known, (it) => it.charCodeAt(0));
    expect(readBootcode(bootcode).filters).toContain('gpio');
    const config = lines('[gpio4=0]', 'start_x=1', 'kernel=kernel7.img');
    const { notes } = (await read({ 'config.txt': config, 'start.elf': start, 'bootcode.bin': bootcode }))
      .config;
    expect(notes.filter(({ unsure }) => unsure)).toEqual([
      { file: 'config.txt', line: 2, unsure: true, text: expect.stringContaining('[gpio4=0]') as string },
    ]);
    // Of that line nothing else is said.
    expect(notes.filter(({ line }) => line === 2)).toHaveLength(1);
  });

  test('that both know makes one note', async () => {
    const open = await notesOf('[0x1234]', 'start_x=1', 'kernel=kernel7.img');
    expect(open.map(({ line, unsure }) => [line, unsure])).toEqual([
      [3, true],
      [2, true],
    ]);
    expect((await notesOf('start_x=1\0 a'.padEnd(120, 'x'))).filter(({ unsure }) => unsure)).toHaveLength(2);
  });
});

describe('a setting that came with later firmware than that of the card', () => {
  // Of the names, armstub and overlay_prefix do not stand in start.elf of 6 April 2016, but in that of 13 May 2016;
  // upstream_kernel is in that of May 2018, os_prefix in that of April 2020, auto_initramfs in that of February 2024.
  test.each(['armstub', 'overlay_prefix', 'upstream_kernel', 'os_prefix', 'auto_initramfs'])(
    '%s does nothing, and that is said',
    async (name) => {
      const files = { 'config.txt': lines('disable_splash=1', `${name}=1`) };
      const today = await read(files);
      expect([today.config.settings.get(name)?.value, today.config.notes]).toEqual(['1', []]);

      const older = startElfOf(
        TEXTS_TODAY.filter((text) => text !== name),
        [stubWithContract(HYP_STUB)],
      );
      const { config } = await read({ ...files, 'start.elf': older });
      expect([...config.settings.keys()]).toEqual(['disable_splash']);
      expect(config.notes).toEqual([
        { file: 'config.txt', line: 2, text: `This firmware does not know ${name}: the line does nothing.` },
      ]);
    },
  );
});

describe('firmware by the day on which it was built', () => {
  const builtOn = (day: string): Uint8Array =>
    startElfOf(
      TEXTS_TODAY.map((text) => text.replace('Apr 17 2024', day)),
      [stubWithContract(HYP_STUB)],
    );

  test.each(['initramfs a,b followkernel', 'ramfsfile=a,b'])(
    'before January 2020 takes a comma for a part of the name: %s',
    async (line) => {
      // Asked for, and proposed by the firmware's author, on 12 and 14 January 2020: raspberrypi/firmware, issue 1318.
      const files = { 'config.txt': lines(line) };
      for (const day of ['Oct 24 2018', 'Jan 13 2020']) {
        const { config } = await read({ ...files, 'start.elf': builtOn(day) });
        expect(config.initramfs?.names).toEqual(['a,b']);
        expect(config.notes).toMatchObject([{ line: 1, text: expect.stringMatching(/one name/) as unknown }]);
      }
      const { config } = await read({ ...files, 'start.elf': builtOn('Jan 16 2020') });
      expect([config.initramfs?.names, config.notes]).toEqual([['a', 'b'], []]);
    },
  );

  test('until November 2021 reads the rest of a long line as another line, of a comment too', async () => {
    // raspberrypi/firmware, issue 1669: the 100th character of a comment of DietPi's was the first of force_turbo=1.
    const comment = '# '.padEnd(99, 'x');
    const files = { 'config.txt': lines(`${comment}force_turbo=1" to be set`, `${comment}kernel=other.img`) };
    const { config } = await read({ ...files, 'start.elf': builtOn('Nov 18 2021') });
    expect([...config.settings.keys()]).toEqual(['force_turbo', 'kernel']);
    expect(config.notes).toMatchObject([{ line: 1 }, { line: 2, unsure: true }]);
    expect([...(await read(files)).config.settings.keys()]).toEqual([]);
  });

  test.each(['boot_partition=2', 'partition=62', 'boot_count>3', '(boot_arg1&0x1)=1'])(
    'from 2025 on may know [%s], and which it is nobody says',
    async (filter) => {
      // raspberrypi/documentation 4037, 4100 and 4106; cards that switch their cmdline= by it are in use on a Pi 5.
      const files = { 'config.txt': lines(`[${filter}]`, 'cmdline=b.txt', '[all]') };
      for (const [day, unsure] of [
        ['Apr 17 2024', undefined],
        ['May 13 2025', true],
      ] as const) {
        const { config } = await read({ ...files, 'start.elf': builtOn(day) });
        expect([config.settings.get('cmdline')?.value, config.notes.map((it) => it.unsure)]).toEqual([
          'b.txt',
          [unsure],
        ]);
      }
    },
  );

  // The names in start.elf of February 2026; there the word `partition` stands among those of filters.
  test.each(['partition=62', 'boot_partition=2', 'bootvar0=1', 'cust_otp3=5', '(board_attributes&1)=1'])(
    'of 2026 knows [%s], and nobody knows what it says',
    async (filter) => {
      const of2026 = TEXTS_TODAY.map((it) => it.replace('Apr 17 2024', 'Feb 11 2026'));
      of2026.splice(of2026.indexOf('tryboot') + 1, 0, 'bootvar0', 'cust_otp', 'partition');
      const start = startElfOf(of2026, [stubWithContract(HYP_STUB)]);
      const files = { 'config.txt': lines(`[${filter}]`, 'kernel=b.img', '[all]') };
      const { config } = await read({ ...files, 'start.elf': start });
      expect(config.notes).toMatchObject([
        { line: 1, unsure: true, text: expect.stringContaining('how it was started') as string },
      ]);
    },
  );
});

describe('boot_ramdisk', () => {
  const knows = Uint8Array.from([...BOOTCODE_TODAY, ...new TextEncoder().encode('boot_ramdisk\0boot.img\0')]);
  const config = (text: string) => ({ 'config.txt': text, 'boot.img': 'x' });

  test('is refused where bootcode.bin knows it, or is not there', async () => {
    for (const bootcode of [knows, undefined]) {
      const files: Record<string, string | Uint8Array> = { ...CARD, ...config('boot_ramdisk=1\n') };
      if (bootcode) files['bootcode.bin'] = bootcode;
      else delete files['bootcode.bin'];
      await expect(readFirmware(memoryCard(files), PI2, [])).rejects.toMatchObject({
        code: 'firmware.boot-ramdisk',
      });
    }
  });

  test('does nothing elsewhere, which is said where it is asked for', async () => {
    for (const [bootcode, text, said] of [
      [BOOTCODE_TODAY, 'boot_ramdisk=1\n', 1],
      [knows, 'boot_ramdisk=0\n', 0],
      [knows, '[pi4]\nboot_ramdisk=1\n', 0],
    ] as const) {
      const notes: string[] = [];
      await readFirmware(memoryCard({ ...CARD, ...config(text), 'bootcode.bin': bootcode }), PI2, notes);
      expect(notes.filter((it) => it.includes('boot_ramdisk'))).toHaveLength(said);
    }
  });
});
