import fc from 'fast-check';
import { diagnosticsPage } from '../../scripts/lib/diagnostics-page.js';
import { describe, expect, it } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { withoutSteps } from '../../src/boot/steps.js';
import { CONSOLE_END_LIMIT } from '../../src/engine/console.js';
import type { Engine, RunEnd } from '../../src/engine/engine.js';
import { runTrial, type Verdict } from '../../src/engine/verdict.js';
import { handoverOf } from '../support/handover.js';
import { memoryDisk } from '../support/memory-disk.js';

/** An engine that plays a console, then ends, or waits to be stopped. */
function playing(pieces: Iterable<Uint8Array | string>, ending: 'ends' | 'hangs' = 'ends'): Engine {
  return {
    name: 'player',
    async run(_machine, onConsole, signal) {
      for (const piece of pieces)
        onConsole(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
      if (ending === 'hangs' && !signal.aborted) {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
      }
      return { why: "the card's system reset the board or switched it off" };
    },
  };
}

const nothing = handoverOf();
const verdictOf = (console: string, timeoutSeconds = 5): Promise<Verdict> =>
  runTrial(playing([console]), nothing, { timeoutSeconds });

/** Consoles as kernels write them, by version. */
const linux318 = (mode: string, cores = 4) =>
  `Uncompressing Linux... done, booting the kernel.\r\n[    0.000000] Booting Linux on physical CPU 0xf00\r\n` +
  `[    0.131082] Brought up ${cores} CPUs\r\n` +
  `[    0.131140] SMP: Total of ${cores} processors activated (153.60 BogoMIPS).\r\n[    0.131155] ${mode}\r\n`;
const linux44 = (mode: string, cores = 4) =>
  `[    0.068519] CPU1: thread -1, cpu 1, socket 15, mpidr 80000f01\n[    0.070032] Brought up ${cores} CPUs\n` +
  `[    0.070083] SMP: Total of ${cores} processors activated (76.80 BogoMIPS).\n[    0.070095] ${mode}\n`;
const linux61 = (mode: string, cores = 4) =>
  `[    3.501446] smp: Bringing up secondary CPUs ...\r\n[    3.889202] smp: Brought up 1 node, ${cores} CPU${cores === 1 ? '' : 's'}\r\n` +
  `[    3.950317] SMP: Total of ${cores} processors activated (153.60 BogoMIPS).\r\n[    3.953372] ${mode}\r\n` +
  `[    3.955276] CPU: Virtualization extensions available.\r\n`;
const kernels = { '3.18': linux318, '4.4': linux44, '6.1': linux61 };

const hyp = 'CPU: All CPU(s) started in HYP mode.';
const svc = 'CPU: All CPU(s) started in SVC mode.';
const mixed = 'CPU: WARNING: CPU(s) started in wrong/inconsistent modes (primary CPU mode 0x1a)';

describe('bytes that are no text', () => {
  it('are U+FFFD each, in whatever pieces they come, also a character that ends with the console', async () => {
    // A byte order mark, a character of three bytes, a C1 control as a byte and in UTF-8, half a character.
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0xe4, 0xbd, 0xa0, 0x9b, 0x36, 0xc2, 0x9b, 0xe5, 0xa5);
    for (let size = 1; size <= bytes.length; size++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      const { console } = await runTrial(playing(pieces), nothing, { timeoutSeconds: 5 });
      expect(console, `in pieces of ${size}`).toBe('\ufeff你\ufffd6\u009b\ufffd');
    }
  });
});

describe('what the kernel says', () => {
  for (const [version, kernel] of Object.entries(kernels)) {
    it(`is understood in the words of Linux ${version}`, async () => {
      expect(await verdictOf(kernel(hyp))).toMatchObject({ verdict: 'HYP', cores: 4, engine: 'player' });
      expect(await verdictOf(kernel(svc))).toMatchObject({ verdict: 'SVC', cores: 4 });
      expect(await verdictOf(kernel(mixed))).toMatchObject({ verdict: 'MIXED', cores: 4 });
      expect(await verdictOf(kernel(hyp))).not.toHaveProperty('reason');
    });

    it(`is not HYP on all cores where fewer came up, Linux ${version}`, async () => {
      for (const cores of [1, 3]) {
        const verdict = await verdictOf(kernel(hyp, cores));
        expect(verdict).toMatchObject({ verdict: 'NONE', cores });
        expect(verdict.reason).toContain(`${cores} of 4 cores`);
        expect(await verdictOf(kernel(svc, cores))).toMatchObject({ verdict: 'SVC', cores });
      }
    });
  }

  it.each<[string, number, string | undefined]>([
    ['a=1 maxcpus=1 b', 1, 'maxcpus=1'],
    ['maxcpus=3 nr_cpus=2', 2, 'nr_cpus=2'],
    ['maxcpus=0', 1, 'maxcpus=0'],
    ['nosmp', 1, 'nosmp'],
    // One that was to come did not, or the words say something else.
    ['maxcpus=2', 1, undefined],
    ['maxcpus=4', 3, undefined],
    ['note=maxcpus=1 maxcpus=x', 1, undefined],
  ])('is no fault where the command line asks for fewer cores: %s, %i', async (line, cores, by) => {
    const { verdict, reason } = await verdictOf(
      `[    0.000000] Kernel command line: ${line}\n${linux44(hyp, cores)}`,
    );
    expect([verdict, reason]).toEqual([
      'NONE',
      by === undefined
        ? `The kernel says HYP mode, but ${cores} of 4 cores came up.`
        : `The kernel says HYP mode, and brought up ${cores} of 4 cores, as its command line asks (${by}): of the others nothing is known.`,
    ]);
  });

  it('does not settle anything where the number of cores is missing', async () => {
    const verdict = await verdictOf(`[    0.0] ${hyp}\n[    1.0] Freeing unused kernel memory: 1024K\n`);
    expect(verdict).toMatchObject({ verdict: 'NONE', cores: null });
    expect(verdict.reason).toContain('not how many cores');
  });

  it('may come without time stamps and without a last line end', async () => {
    expect(await verdictOf(`SMP: Total of 4 processors activated.\n${hyp}`)).toMatchObject({
      verdict: 'HYP',
    });
  });

  it('counts only where the kernel says it, not where its words are repeated', async () => {
    const echo = `[    0.000000] Kernel command line: note="${hyp}"\n[    0.1] smp: Brought up 1 node, 4 CPUs\n`;
    expect(await verdictOf(echo)).toMatchObject({ verdict: 'NONE', cores: 4 });
    expect(await verdictOf(echo + linux61(svc))).toMatchObject({ verdict: 'SVC' });
  });

  it('is the first word: a later one, of a kernel started by the first, changes nothing', async () => {
    expect(await verdictOf(linux61(svc) + linux61(hyp))).toMatchObject({ verdict: 'SVC' });
  });
});

describe('no verdict', () => {
  const reasons: Record<string, readonly [console: string, reason: string]> = {
    'a panic': [
      '[    0.1] Kernel panic - not syncing: unable to map IC registers\n',
      'Kernel panic - not syncing: unable to map IC registers',
    ],
    'a kernel that cannot be unpacked': [
      'XZ-compressed data is corrupt\n\n -- System halted',
      'System halted',
    ],
    'an unknown machine': [
      'Error: unrecognized/unsupported machine ID (r1 = 0x00000c42).\n',
      'unrecognized/unsupported machine ID',
    ],
    'a prompt of U-Boot': ['U-Boot 2025.01\nscanning bus\nU-Boot> ', 'U-Boot waits at its prompt'],
    'a U-Boot that gave up': ['### ERROR ### Please RESET the board ###\n', 'Please RESET the board'],
    'a kernel that keeps its mode to itself': [
      '[    1.0] Freeing unused kernel image (initmem) memory: 2048K\n[    1.1] Run /init as init process\n',
      'did not say its mode',
    ],
    'a machine that ends': [
      '[    0.0] Booting Linux\n',
      "the card's system reset the board or switched it off",
    ],
    'a machine that ends in silence': ['', 'the console stayed empty'],
    'a root file system that is not there, for which it waits': [
      '[    2.1] Waiting for root device /dev/mmcblk0p2...\n',
      'only the boot partition is tried',
    ],
    'one for want of which it panics': [
      '[    2.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n',
      'only the boot partition is tried',
    ],
    'a system that is not Linux': [
      'Circle 45.0.1 started on Raspberry Pi 2 Model B\r\n',
      'writes to the console ("Circle 45.0.1 started on Raspberry Pi 2 Model B"), but not in the words of Linux',
    ],
  };
  for (const [what, [console, reason]] of Object.entries(reasons)) {
    it(`says why: ${what}`, async () => {
      const verdict = await verdictOf(console);
      expect(verdict).toMatchObject({ verdict: 'NONE', console, cores: null });
      expect(verdict.reason).toContain(reason);
      expect(verdict.reason).toMatch(/^[A-Z].*\.$/);
    });
  }

  it('says why: time is up', async () => {
    const trial = (console: string) =>
      runTrial(playing([console], 'hangs'), nothing, { timeoutSeconds: 0.05 });
    const talking = await trial('[    0.0] Booting Linux\n');
    expect(talking).toMatchObject({ verdict: 'NONE' });
    expect(talking.reason).toContain('0.05 s');
    expect(talking.reason).not.toContain('empty');
    expect((await trial(' \r\n')).reason).toContain('the console stayed empty');
    expect(talking.seconds).toBeGreaterThan(0.04);
  });

  it('says that a kernel waits for its root without waiting for it', async () => {
    const line = '[    2.1] Waiting for root device /dev/mmcblk0p2...\n';
    const verdict = await runTrial(playing([line], 'hangs'), nothing, { timeoutSeconds: 60 });
    expect(verdict.seconds).toBeLessThan(5);
    expect(verdict.reason).toContain('CONFIG_ARM_VIRT_EXT');
  });

  it('waits with it where the card is there', async () => {
    const lines = [
      '[    2.1] Waiting for root device /dev/mmcblk0p2...\n',
      '[    2.5] Freeing unused kernel memory: 1024K\n',
    ];
    const card = { disk: memoryDisk(new Uint8Array(512)) };
    const { reason } = await runTrial(playing(lines), { ...nothing, card }, { timeoutSeconds: 5 });
    expect(reason).toMatch(/^The kernel started user space\. /);
  });

  const ends = (more: Partial<RunEnd>, console = ''): Promise<Verdict> => {
    const engine: Engine = {
      name: 'player',
      run: (_machine, onConsole) => {
        onConsole(new TextEncoder().encode(console));
        return Promise.resolve({ why: 'the end', ...more });
      },
    };
    return runTrial(engine, nothing, { timeoutSeconds: 5 });
  };

  it('says that the card’s system crashed, or that all came to rest, which no fault need be', async () => {
    const crash = { core: 0, what: 'core 0 did it' };
    const crashed = await ends({ crash });
    expect(crashed).toMatchObject({ verdict: 'NONE', crash: 'core 0 did it' });
    expect(crashed.reason).toMatch(/^The card's system crashed before .*: core 0 did it\. /);
    expect((await ends({ crash: { ...crash, core: null } })).reason).toMatch(
      /^The machine came to rest before /,
    );
    expect(JSON.stringify([crashed, await ends({})])).not.toMatch(/[Gg]uest/);
  });

  it('says what came on the mini UART, and in which mode a kernel was entered that is not Linux', async () => {
    const miniUart = '\r\nHello from core 0\r\nmore\r\n';
    const verdict = await ends({ miniUart });
    expect(verdict).toMatchObject({ verdict: 'NONE', miniUart });
    expect(verdict.reason).toContain(
      'mini UART (serial1), where hypberry does not look for a verdict: "Hello from core 0".',
    );
    const seen = (ok: boolean): Partial<RunEnd> => ({
      machine: {
        nanoseconds: 1,
        cores: [],
        handover: [{ point: 'mode', wanted: '', ok, found: 'core 0: mode 0x13', source: '' }],
      },
    });
    expect((await ends(seen(true), 'Circle\n')).reason).toMatch(/It was entered in HYP mode, as/);
    expect((await ends(seen(false), 'Circle\n')).reason).toMatch(
      /It was not entered in HYP mode, .*\(core 0: mode 0x13\)\.$/,
    );
    expect((await ends(seen(true), 'Booting Linux on physical CPU 0xf00\n')).reason).not.toContain('entered');
  });

  it('takes a time longer than a timer can', async () => {
    const verdict = await runTrial(playing([linux61(hyp)], 'hangs'), nothing, { timeoutSeconds: 1e9 });
    expect(verdict).toMatchObject({ verdict: 'HYP' });
  });
});

describe('a trial', () => {
  it('stops the machine with the verdict, and hands on the console up to it', async () => {
    const seen: string[] = [];
    const verdict = await runTrial(playing([linux61(hyp), 'and more'], 'hangs'), nothing, {
      timeoutSeconds: 60,
      onConsole: (text) => seen.push(text),
    });
    expect(seen).toEqual([linux61(hyp)]);
    expect(verdict.console).toBe(linux61(hyp));
    expect(verdict.seconds).toBeLessThan(5);
  });

  it('passes on what the engine throws', async () => {
    const error = new HypberryError('engine.missing', 'It is not there.', 'Get it.');
    const engine: Engine = { name: 'broken', run: () => Promise.reject(error) };
    await expect(runTrial(engine, nothing, { timeoutSeconds: 1 })).rejects.toBe(error);
  });

  it('finds the same however the console is cut into pieces', async () => {
    const kernel = fc.constantFrom(...Object.values(kernels));
    const said = fc.constantFrom(['HYP', hyp] as const, ['SVC', svc] as const, ['MIXED', mixed] as const);
    const junk = fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => Buffer.concat([bytes, Buffer.from('\r\n')]));
    const cuts = fc.array(fc.nat(2000), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(kernel, said, junk, cuts, async (words, [mode, line], before, at) => {
        const all = Buffer.concat([before, Buffer.from(words(line))]);
        const places = [0, ...at.map((it) => Math.min(it, all.length)).sort((a, b) => a - b), all.length];
        const pieces = places.slice(1).map((end, index) => all.subarray(places[index], end));
        const verdict = await runTrial(playing(pieces), nothing, { timeoutSeconds: 5 });
        expect(verdict).toMatchObject({ verdict: mode, cores: 4 });
      }),
      { numRuns: 200 },
    );
  });

  it('keeps characters whole that are cut in two', async () => {
    const bytes = new TextEncoder().encode('é\n');
    const verdict = await runTrial(playing([bytes.slice(0, 1), bytes.slice(1)]), nothing, {
      timeoutSeconds: 5,
    });
    expect(verdict.console).toBe('é\n');
  });

  it('takes a flood without a line end in bounded memory, and still sees the line after it', async () => {
    function* flood(): Iterable<string> {
      const piece = 'x'.repeat(0x1_0000);
      for (let count = 0; count < 1000; count++) yield piece;
      yield `\n${linux61(hyp)}`;
    }
    const verdict = await runTrial(playing(flood()), nothing, { timeoutSeconds: 60 });
    expect(verdict).toMatchObject({ verdict: 'HYP', cores: 4 });
    expect(verdict.console.length).toBeLessThan(2 * CONSOLE_END_LIMIT + 100);
    expect(verdict.console).toMatch(/^x+\n\[\d+ characters left out\]\nx+\n/);
    expect(verdict.console.endsWith(linux61(hyp))).toBe(true);
    const leftOut = Number(/\[(\d+) characters/.exec(verdict.console)![1]);
    expect(leftOut).toBe(1000 * 0x1_0000 + 1 + linux61(hyp).length - 2 * CONSOLE_END_LIMIT);
  });
});

describe('what diagnostics say', () => {
  const steps =
    '\r\nhypberry: boot block (the letters: README, Diagnostics)\r\n0 abcdefghi in HYP mode\r\n' +
    '1 abcdefgi in HYP mode, waits for the kernel\r\n2 does not come\r\n3 abcdefgi in HYP mode, waits for the kernel\r\n' +
    '0 jkl tree at 0x08000000, kernel at 0x00008000, its first word 0xe1a00000\r\n' +
    "hypberry: hypervisor\r\n0 ABCDEFGH\r\n1 DGH\r\n0 I 3 cores in HYP mode; the host's kernel is entered\r\n";

  it('of steps is no word of a system', async () => {
    const { reason } = await verdictOf(steps);
    expect(reason).toContain('On the PL011 (serial0) the console stayed empty');
    expect((await verdictOf(`${steps}Hello\r\n`)).reason).toContain('("Hello")');
  });

  it('of failures is told', async () => {
    const { reason } = await verdictOf(`${steps.slice(0, 80)}\r\n0 ab <-- not in Secure state\r\n`);
    expect(reason).toContain('"0 ab <-- not in Secure state"');
  });

  it('is known line by line as block and hypervisor say it', async () => {
    const page = await diagnosticsPage();
    const said = /^```\n([^]*?)\n```/.exec(page)![1]!;
    expect(withoutSteps(said)).toBe('');
    expect(withoutSteps(said.replaceAll('\n', '\r\n'))).toBe('');
  });
});
