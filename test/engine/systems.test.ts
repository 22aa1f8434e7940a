import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import type { Engine } from '../../src/engine/engine.js';
import {
  HOST,
  runSystems,
  type SystemsOptions,
  type SystemsVerdict,
  type SystemVerdict,
} from '../../src/engine/systems.js';
import { aloneText } from '../../src/hypervisor/shared/messages.js';
import { handoverOf } from '../support/handover.js';
import { memoryDisk } from '../support/memory-disk.js';

/** Text on a console; undefined for the board's own PL011, which is the host's. A number waits, milliseconds. */
type Step = readonly [console: string | undefined, text: string | Uint8Array] | number;

/** An engine that plays consoles, then ends, or waits to be stopped; when it is, it still has something to say. */
function playing(steps: Iterable<Step>, ending: 'ends' | 'hangs' = 'ends', machine?: object): Engine {
  return {
    name: 'player',
    async run(_machine, onConsole, signal) {
      for (const step of steps) {
        if (typeof step === 'number') await new Promise((resolve) => setTimeout(resolve, step));
        else {
          const [console, text] = step;
          onConsole(typeof text === 'string' ? new TextEncoder().encode(text) : text, console);
        }
      }
      if (ending === 'hangs' && !signal.aborted) {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
      }
      return { why: "the card's system reset the board", ...(machine && { machine: machine as never }) };
    },
  };
}

const nothing = handoverOf();
const OWN = 'hypberry';
const SYSTEMS = [
  { name: HOST, cores: 3 },
  { name: 'web', cores: 1 },
];

function play(
  steps: Iterable<Step>,
  more: Partial<SystemsOptions> = {},
  ending: 'ends' | 'hangs' = 'ends',
): Promise<SystemsVerdict> {
  const options = { systems: SYSTEMS, hypervisor: OWN, timeoutSeconds: 5, ...more };
  return runSystems(playing(steps, ending), nothing, options);
}

function of({ systems }: SystemsVerdict, name: string): SystemVerdict {
  return systems.find((it) => it.name === name)!;
}

/** Linux 6.1 as it starts. */
const cores = (count: number): string =>
  `[    0.131082] smp: Brought up 1 node, ${count} CPU${count === 1 ? '' : 's'}\r\n` +
  `[    0.131140] SMP: Total of ${count} processors activated (153.60 BogoMIPS).\r\n`;
const FREEING = '[    1.901155] Freeing unused kernel image (initmem) memory: 2048K\r\n';
const INIT = '[    1.911155] Run /init as init process\r\n';
const linux = (count: number): string => cores(count) + FREEING + INIT;
/** Linux 4.9, which does not say its init. */
const linux49 = (count: number): string =>
  `[    0.070083] SMP: Total of ${count} processors activated (76.80 BogoMIPS).\n` +
  `[    1.070083] Freeing unused kernel memory: 1024K (80900000 - 80a00000)\n`;
const PANIC = '[    2.4] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\r\n';
const started: Step = [
  OWN,
  'hypberry: 4 cores in HYP mode, host on cores 0 to 2\r\nhypberry: web: started\r\n',
];
const hostUp: Step = [undefined, linux(3)];
const webUp: Step = ['web', linux(1)];

describe('host and guest', () => {
  it('are up when each has brought up its cores and begun with user space; that ends the run', async () => {
    const seen: string[] = [];
    const verdict = await play(
      [started, hostUp, webUp, ['web', 'and more']],
      { onConsole: (text, console) => seen.push(`${console}: ${text}`) },
      'hangs',
    );
    expect(verdict).toMatchObject({ verdict: 'UP', engine: 'player', hypervisor: started[1] });
    expect(verdict.systems).toEqual([
      { name: HOST, state: 'UP', cores: 3, seconds: expect.any(Number) as number, console: hostUp[1] },
      { name: 'web', state: 'UP', cores: 1, seconds: expect.any(Number) as number, console: webUp[1] },
    ]);
    expect(verdict).not.toHaveProperty('reached');
    // Far from the 5 s after which it would have given up.
    expect(verdict.seconds).toBeLessThan(2);
    expect(seen).toEqual([`hypberry: ${started[1] as string}`, `host: ${linux(3)}`, `web: ${linux(1)}`]);
  });

  it('where the hypervisor starts the host alone, the host is up and each guest has failed', async () => {
    const line = aloneText(1008).join('944').trimEnd();
    const verdict = await play([[undefined, `${line}\r\n`], 20, hostUp], {}, 'hangs');
    expect(verdict.verdict).toBe('FAILED');
    expect(of(verdict, HOST).state).toBe('UP');
    expect(of(verdict, 'web')).toMatchObject({
      state: 'FAILED',
      reason: `The hypervisor started the host alone: "${line}"`,
    });
    expect(verdict.seconds).toBeLessThan(2);
  });

  describe('where a guest waits for the host', () => {
    const waits: Step = [
      OWN,
      'hypberry: web: waits for the host, whose program hypberryd does not serve all of its disks yet\r\n',
    ];
    const after = async (seconds: number, steps: readonly Step[]): Promise<SystemsVerdict | undefined> => {
      vi.useFakeTimers();
      try {
        let verdict: SystemsVerdict | undefined;
        void play(steps, { timeoutSeconds: 1000 }, 'hangs').then((it) => (verdict = it));
        await vi.advanceTimersByTimeAsync(seconds * 1000);
        return verdict;
      } finally {
        vi.useRealTimers();
      }
    };

    it('it has not failed, and the run ends when an idle host is up for a while', async () => {
      expect(await after(58, [waits, hostUp])).toBeUndefined();
      const verdict = (await after(63, [waits, hostUp]))!;
      expect(verdict.verdict).toBe('NONE');
      expect(of(verdict, HOST).state).toBe('UP');
      expect(of(verdict, 'web')).toMatchObject({
        ...{ state: 'WAITS', cores: null, seconds: null },
        reason: expect.stringMatching(
          /^It waits for hypberryd on the host, .*"sudo hypberryd status"/,
        ) as string,
      });
    });

    it('not while the host still has something to say, nor before it is up', async () => {
      expect(await after(80, [waits, hostUp, 30_000, [undefined, 'login: ']])).toBeUndefined();
      expect(await after(100, [waits, hostUp, 30_000, [undefined, 'login: ']])).toBeDefined();
      expect(await after(900, [waits, [undefined, cores(3)]])).toBeUndefined();
    });

    it('it is up when it has started at last, and not waited for when it is silent then', async () => {
      const starts: Step = [OWN, 'hypberry: web: started\r\n'];
      expect((await after(5, [waits, hostUp, starts, webUp]))?.verdict).toBe('UP');
      expect(await after(900, [waits, hostUp, starts])).toBeUndefined();
      const verdict = await play([waits, hostUp, starts]);
      expect(of(verdict, 'web').state).toBe('NONE');
    });
  });

  it('are told apart: what one says is not the other’s', async () => {
    const verdict = await play([hostUp, ['web', cores(1)]]);
    expect([verdict.verdict, of(verdict, HOST).state, of(verdict, 'web').state]).toEqual([
      'NONE',
      'UP',
      'NONE',
    ]);
    expect(of(verdict, 'web')).toMatchObject({ cores: 1, seconds: null, console: cores(1) });
  });

  it('are each timed from the start of the machine', async () => {
    const verdict = await play([60, webUp, 120, hostUp], {}, 'hangs');
    // Timers may be a little early.
    expect(of(verdict, 'web').seconds).toBeGreaterThan(0.055);
    expect(of(verdict, HOST).seconds).toBeGreaterThan(0.175);
    expect(of(verdict, 'web').seconds).toBeLessThan(of(verdict, HOST).seconds! - 0.1);
    // Both are of the same moment.
    expect(verdict.seconds).toBeCloseTo(of(verdict, HOST).seconds!, 1);
  });

  it('come out the same however their consoles are cut into pieces and mixed', async () => {
    const words: Record<string, readonly [console: string | undefined, text: string]> = {
      host: [undefined, `é ${linux(2)}`],
      web: ['web', `${cores(1)}${PANIC}`],
      db: ['db', linux(1)],
      own: [
        OWN,
        'hypberry: web: started\r\nhypberry: log: crashed: no valid mode, pc 0x40008000; restarts\r\n',
      ],
    };
    const cuts = fc.array(fc.nat(400), { maxLength: 30 });
    const order = fc.infiniteStream(fc.nat(3));
    await fc.assert(
      fc.asyncProperty(fc.tuple(cuts, cuts, cuts, cuts), order, async (all, turns) => {
        const queues = Object.values(words).map(([console, text], i): Step[] => {
          const bytes = new TextEncoder().encode(text);
          const places = [
            0,
            ...all[i]!.map((it) => Math.min(it, bytes.length)).sort((a, b) => a - b),
            bytes.length,
          ];
          return places.slice(1).map((end, n) => [console, bytes.subarray(places[n], end)]);
        });
        const steps: Step[] = [];
        while (queues.some((it) => it.length > 0)) {
          const step = queues[turns.next().value as number]!.shift();
          if (step) steps.push(step);
        }
        const names = ['web', 'db', 'log'];
        const systems = [{ name: HOST, cores: 3 }, ...names.map((name) => ({ name, cores: 1 }))];
        const verdict = await play(steps, { systems, until: { text: 'nowhere' } });
        expect(verdict.systems).toEqual([
          expect.objectContaining({ name: HOST, state: 'FAILED', reason: '2 of its 3 cores came up.' }),
          expect.objectContaining({
            name: 'web',
            state: 'FAILED',
            reason: 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100.',
          }),
          expect.objectContaining({ name: 'db', state: 'UP', cores: 1 }),
          expect.objectContaining({
            name: 'log',
            state: 'FAILED',
            reason: 'The guest crashed: no valid mode, pc 0x40008000; restarts.',
          }),
        ]);
        expect(of(verdict, HOST).console).toBe(words['host']![1]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a system has failed', () => {
  it('where its kernel panics: with the reason, and the others go on', async () => {
    const verdict = await play([['web', cores(1) + PANIC], 20, hostUp], {}, 'hangs');
    expect(verdict.verdict).toBe('FAILED');
    expect(of(verdict, HOST).state).toBe('UP');
    expect(of(verdict, 'web')).toMatchObject({
      state: 'FAILED',
      cores: 1,
      reason: 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100.',
    });
    expect(of(verdict, 'web').seconds).not.toBeNull();
    expect(verdict.seconds).toBeLessThan(2);
  });

  it('where the machine ends in the middle of the line that says it', async () => {
    expect(of(await play([hostUp, ['web', PANIC.trimEnd()]]), 'web')).toMatchObject({
      state: 'FAILED',
      reason: expect.stringContaining('Kernel panic') as string,
    });
  });

  it.each([
    [
      'a kernel that cannot be unpacked',
      'XZ-compressed data is corrupt\n\n -- System halted',
      '-- System halted.',
    ],
    [
      'a machine that is not known to its kernel',
      'Error: unrecognized/unsupported machine ID (r1 = 0x00000c42).\n',
      'Error: unrecognized/unsupported machine ID (r1 = 0x00000c42)..',
    ],
    [
      'a U-Boot that gave up',
      '### ERROR ### Please RESET the board ###\n',
      '### ERROR ### Please RESET the board ###.',
    ],
  ])('where it gave up before it has a console: %s', async (_, console, reason) => {
    const found = of(await play([hostUp, ['web', console]], { timeoutSeconds: 0.1 }, 'hangs'), 'web');
    expect(found).toMatchObject({ state: 'FAILED', reason });
    expect(found.seconds).not.toBeNull();
  });

  it('where fewer cores came up than it has, or more', async () => {
    for (const [count, reason] of [
      [1, '1 of its 3 cores came up.'],
      [2, '2 of its 3 cores came up.'],
      [4, '4 of its 3 cores came up.'],
    ] as const) {
      const verdict = await play([[undefined, linux(count)], webUp]);
      expect(verdict.verdict).toBe('FAILED');
      expect(of(verdict, HOST)).toMatchObject({ state: 'FAILED', cores: count, reason });
    }
  });

  it('but not where its command line asks for fewer', async () => {
    const asking = (line: string, count: number): Promise<SystemsVerdict> =>
      play([[undefined, `[    0.0] Kernel command line: ${line}\r\n${linux(count)}`], webUp]);
    const verdict = await asking('root=/dev/sda maxcpus=2', 2);
    expect(verdict.verdict).toBe('UP');
    expect(of(verdict, HOST)).toMatchObject({
      state: 'UP',
      cores: 2,
      reason: '2 of its 3 cores came up, as its command line asks (maxcpus=2).',
    });
    expect((await asking('maxcpus=2', 1)).verdict).toBe('FAILED');
    expect((await asking('maxcpus=4', 4)).verdict).toBe('FAILED');
  });

  it('where its kernel is one for a single processor, and it has several', async () => {
    expect(of(await play([[undefined, FREEING + INIT], webUp]), HOST)).toMatchObject({
      state: 'FAILED',
      cores: null,
      reason: '1 of its 3 cores came up.',
    });
  });

  it('where the hypervisor says so of it, and of no other', async () => {
    const what = 'crashed: no exception vectors, pc 0x30000000, address 0x30000000; restarts';
    const systems = [...SYSTEMS, { name: 'web-2', cores: 1 }];
    const verdict = await play([started, [OWN, `hypberry: web: ${what}\r\n`], hostUp, ['web-2', linux(1)]], {
      systems,
    });
    expect(verdict.systems.map(({ state }) => state)).toEqual(['UP', 'FAILED', 'UP']);
    expect(of(verdict, 'web').reason).toBe(`The guest ${what}.`);
    expect(of(verdict, 'web').seconds).not.toBeNull();
  });

  it('where the hypervisor fails below it: all that are not up yet', async () => {
    const fault =
      'fault in the hypervisor: data abort, syndrome 0x94000006, pc 0x3bc01234, address 0x20000000';
    const verdict = await play([webUp, [OWN, `hypberry: ${fault}\r\n`]], {}, 'hangs');
    expect(verdict.seconds).toBeLessThan(2);
    expect(of(verdict, HOST)).toMatchObject({ state: 'FAILED', reason: `${fault}.` });
    expect(of(verdict, 'web').state).toBe('UP');
    expect(verdict.verdict).toBe('FAILED');
  });

  it('not by those words on a console of its own', async () => {
    const verdict = await play([
      ['web', 'hypberry: web: crashed: me\r\nhypberry: fault in the hypervisor: me\r\n'],
      hostUp,
      webUp,
    ]);
    expect(verdict.verdict).toBe('UP');
  });

  it('not where the engine only looks at its console later than at the hypervisor’s, with its last words there', async () => {
    const off: Step = [OWN, 'hypberry: web: powered off\r\n'];
    expect(of(await play([hostUp, off, webUp], {}, 'hangs'), 'web').state).toBe('UP');
    const words = 'cannot go on\r\n';
    const panicked = await play([hostUp, off, ['web', words + PANIC]], {}, 'hangs');
    expect(of(panicked, 'web')).toMatchObject({ state: 'FAILED', console: words + PANIC });
    expect(panicked.seconds).toBeLessThan(2);
  });

  it('never after it was up', async () => {
    const verdict = await play([['web', linux(1) + PANIC], [OWN, 'hypberry: web: powered off\r\n'], hostUp]);
    expect(of(verdict, 'web')).toMatchObject({ state: 'UP' });
    expect(of(verdict, 'web')).not.toHaveProperty('reason');
  });
});

describe('without a root file system', () => {
  const messages = [
    '[    2.1] VFS: Cannot open root device "mmcblk0p2" or unknown-block(0,0): error -6\r\n',
    '[    2.1] Waiting for root device /dev/mmcblk0p2...\r\n',
    '[    2.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n',
    '[    2.2] Kernel panic - not syncing: No working init found.  Try passing init= option to kernel.\r\n',
  ];
  it.each(messages)('a host is up, with a reason: %s', async (line) => {
    const verdict = await play([[undefined, cores(3) + line], webUp]);
    expect(verdict.verdict).toBe('UP');
    expect(of(verdict, HOST)).toMatchObject({
      state: 'UP',
      cores: 3,
      reason: expect.stringMatching(/^[A-Z].* root file system.*\.$/) as string,
    });
  });

  /** The same with the card in the slot. */
  const card = { disk: memoryDisk(new Uint8Array(512)) };
  const withCard = (steps: Iterable<Step>): Promise<SystemsVerdict> => {
    const options = { systems: SYSTEMS, hypervisor: OWN, timeoutSeconds: 0.3 };
    return runSystems(playing(steps, 'hangs'), { ...nothing, card }, options);
  };

  it('a host waits for its card, and is up when it has it', async () => {
    const steps: Step[] = [
      webUp,
      [undefined, cores(3) + messages[1]!],
      [undefined, '[    3.0] Run /sbin/init as init process\r\n'],
    ];
    expect(of(await withCard(steps), HOST)).toMatchObject({ state: 'UP' });
    expect(of(await withCard(steps), HOST)).not.toHaveProperty('reason');
    expect(of(await withCard(steps.slice(0, 2)), HOST)).toMatchObject({
      state: 'UP',
      reason: expect.stringMatching(/^Its kernel .* its card is there, and no USB or network/) as string,
    });
    const verdict = await withCard([webUp, [undefined, cores(3) + messages[2]!]]);
    expect(verdict.seconds).toBeLessThan(0.25);
  });

  it('a host with too few cores has failed all the same', async () => {
    expect(of(await play([[undefined, cores(2) + messages[0]!]]), HOST).state).toBe('FAILED');
  });

  it.each(messages)('a guest has failed at once, as it will never have one: %s', async (line) => {
    const verdict = await play([hostUp, ['web', cores(1) + line]], {}, 'hangs');
    expect(verdict.seconds).toBeLessThan(2);
    expect(of(verdict, 'web')).toMatchObject({
      state: 'FAILED',
      reason: expect.stringMatching(/^It found no root file system \(".+"\): .* initramfs/) as string,
    });
  });
});

describe('a guest that powers itself off', () => {
  const off: Step = [OWN, 'hypberry: web: powered off\r\n'];

  it('has come up, where its kernel had begun with user space without saying its init', async () => {
    const verdict = await play([started, ['web', linux49(1)], off, hostUp], {}, 'hangs');
    expect(verdict.verdict).toBe('UP');
    expect(of(verdict, 'web')).toMatchObject({ state: 'UP', reason: 'It has powered itself off since.' });
    expect(of(verdict, 'web').seconds).toBeLessThan(2);
  });

  it('has not failed where nothing is known of it: it is said what was seen, and the run ends', async () => {
    for (const said of ['', 'done\r\n', cores(1)]) {
      const verdict = await play([started, ['web', said], off, hostUp], {}, 'hangs');
      expect(verdict.verdict).toBe('NONE');
      expect(verdict.seconds).toBeLessThan(2);
      expect(of(verdict, 'web')).toMatchObject({ state: 'NONE', seconds: null, console: said });
      expect(of(verdict, 'web').reason).toMatch(/^It powered itself off .* no failure/);
    }
  });
});

describe('a guest that does not start with the Pi', () => {
  const systems = [...SYSTEMS, { name: 'db', cores: 1 }];
  const unstarted: Step = [OWN, 'hypberry: db: does not start until the host starts it\r\n'];

  it('is off, as it is to be: the others decide, and nothing is waited for', async () => {
    const verdict = await play([unstarted, started, webUp, hostUp], { systems }, 'hangs');
    expect([verdict.verdict, verdict.seconds < 2]).toEqual(['UP', true]);
    expect(of(verdict, 'db')).toMatchObject({ state: 'OFF', seconds: null });
    expect(of(verdict, 'db').reason).toContain('"hypberryd start db"');
  });
});

describe('a system that is not Linux', () => {
  const netbsd =
    'NetBSD/evbarm (fdt) booting ...\r\n[   1.0000000] NetBSD 10.0 (GENERIC) #0\r\n[   1.0000000] total memory = 256 MB\r\n';
  const other = { timeoutSeconds: 0.2 };

  it('runs, where it writes to its console: whether it is up is not known, and that is said', async () => {
    const verdict = await play([hostUp, ['web', netbsd]], other, 'hangs');
    expect(verdict.verdict).toBe('NONE');
    expect(of(verdict, 'web')).toMatchObject({ state: 'RUNS', cores: null, seconds: null });
    expect(of(verdict, 'web').reason).toMatch(
      /^It writes to its console \("NetBSD\/evbarm \(fdt\) booting \.\.\."\), .*not known whether it is up\. Time was up \(0\.2 s\)/,
    );
  });

  it('is waited for some seconds from its first word on, where it has no fault: all that was seen is said', async () => {
    vi.useFakeTimers();
    try {
      const options = { systems: SYSTEMS, hypervisor: OWN, timeoutSeconds: 300 };
      const engine = playing([5000, hostUp, 10_000, ['web', netbsd]], 'hangs', { userMode: [0, 1] });
      let verdict: SystemsVerdict | undefined;
      void runSystems(engine, nothing, options).then((it) => (verdict = it));
      await vi.advanceTimersByTimeAsync(33_000);
      expect(verdict).toBeUndefined();
      await vi.advanceTimersByTimeAsync(5_000);
      expect(of(verdict!, 'web')).toMatchObject({
        state: 'RUNS',
        reason: expect.stringMatching(
          /not known whether it is up\. It went on without a fault for 20 s\. Programs of its user space were seen to run\.$/,
        ) as string,
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('is waited for no longer than it takes to fail, and not where it has said nothing or another is on its way', async () => {
    vi.useFakeTimers();
    try {
      const after = async (steps: readonly Step[]): Promise<SystemsVerdict | undefined> => {
        let verdict: SystemsVerdict | undefined;
        void play(steps, { timeoutSeconds: 1000 }, 'hangs').then((it) => (verdict = it));
        await vi.advanceTimersByTimeAsync(100_000);
        return verdict;
      };
      expect(await after([hostUp])).toBeUndefined();
      expect(
        await after([
          [undefined, cores(3)],
          ['web', netbsd],
        ]),
      ).toBeUndefined();
      const crashed: Step = [
        OWN,
        'hypberry: web: crashed: trap, pc 0x00000000, syndrome 0x00000000; restarts in 1 s\r\n',
      ];
      expect(of((await after([hostUp, ['web', netbsd], crashed]))!, 'web').state).toBe('FAILED');
    } finally {
      vi.useRealTimers();
    }
  });

  it('is up when its login waits', async () => {
    const verdict = await play([hostUp, ['web', `${netbsd}NetBSD/evbarm (web) (constty)\r\nlogin: `]]);
    expect(of(verdict, 'web')).toMatchObject({ state: 'UP' });
  });

  it('does not run any more where the machine has ended; and Linux is told from it by its first words', async () => {
    expect(of(await play([hostUp, ['web', netbsd]]), 'web').state).toBe('NONE');
    const linuxBegins = '[    0.000000] Booting Linux on physical CPU 0x0\r\n';
    expect(of(await play([hostUp, ['web', linuxBegins]], other, 'hangs'), 'web')).toMatchObject({
      state: 'NONE',
      reason: expect.stringContaining('not seen to come as far as user space') as string,
    });
  });

  it('has no escape sequences and no control characters in what is repeated of it', async () => {
    const nasty = '\u001b]0;title\u0007\u001b[31mhe\u0000llo\u001b[m\r\n';
    const { reason } = of(await play([hostUp, ['web', nasty]], other, 'hangs'), 'web');
    expect(reason).toMatch(/^[\x20-\x7e…]*$/);
    expect(reason).toContain('llo');
  });
});

describe('what waits for somebody is up:', () => {
  // The boot loader says nothing of cores; of a kernel that keeps its messages to itself nothing is known.
  it.each([
    'U-Boot 2025.01\r\nscanning bus\r\nU-Boot> ',
    '=> ',
    'Debian GNU/Linux 12\r\ndebian login: ',
    '~ # ',
    '$ ',
    // A shell that asks how wide its terminal is, and one in colours.
    '/ # \u001b[6n',
    '\u001b[01;32mroot@pi\u001b[00m:\u001b[01;34m~\u001b[00m# ',
  ])('%j', async (console) => {
    const verdict = await play(
      [
        [undefined, console],
        ['web', console],
      ],
      {},
      'hangs',
    );
    expect(verdict.systems.map(({ state, cores: count }) => [state, count])).toEqual([
      ['UP', null],
      ['UP', null],
    ]);
    expect(verdict.seconds).toBeLessThan(2);
  });

  it('but not with fewer cores than it has, where its kernel has said so', async () => {
    expect(of(await play([[undefined, `${cores(2)}debian login: `]]), HOST).state).toBe('FAILED');
  });

  it('but not a line of a kernel that has come so far', async () => {
    const line = '[    0.000000] Kernel command line: note="root $ login: # => "\r\n';
    const bytes = Array.from(new TextEncoder().encode(line), (it) => Uint8Array.of(it));
    const verdict = await play(
      bytes.flatMap((it): Step[] => [
        [undefined, it],
        ['web', it],
      ]),
    );
    expect(verdict.systems.map(({ state }) => state)).toEqual(['NONE', 'NONE']);
  });
});

describe('nothing is known', () => {
  it('where time is up', async () => {
    const verdict = await play([hostUp, ['web', cores(1)]], { timeoutSeconds: 0.1 }, 'hangs');
    expect(verdict.verdict).toBe('NONE');
    expect(verdict.seconds).toBeGreaterThan(0.09);
    expect(of(verdict, HOST).state).toBe('UP');
    expect(of(verdict, 'web')).toMatchObject({ state: 'NONE', seconds: null });
    expect(of(verdict, 'web').reason).toMatch(/^Time was up \(0\.1 s\) .*had brought up 1 core, but/);
  });

  it('where the machine ends before, and where a console stayed empty', async () => {
    const verdict = await play([['web', ' \r\n']]);
    for (const { reason } of verdict.systems)
      expect(reason).toMatch(
        /^The machine ended .*the card's system reset the board\. Its console stayed empty\.$/,
      );
  });

  it('but one that failed counts more than one of which nothing is known', async () => {
    const verdict = await play([['web', PANIC]], { timeoutSeconds: 0.1 }, 'hangs');
    expect([verdict.verdict, of(verdict, HOST).state]).toEqual(['FAILED', 'NONE']);
  });

  it('except of a kernel that is older than the line that says its init', async () => {
    const verdict = await play(
      [
        [undefined, linux49(3)],
        ['web', linux49(1)],
      ],
      { timeoutSeconds: 0.1 },
      'hangs',
    );
    expect(verdict.verdict).toBe('UP');
    // Null with NONE only.
    for (const { state, seconds } of verdict.systems) {
      expect(state).toBe('UP');
      expect(seconds).toBeGreaterThan(0.09);
    }
    // It had time to panic.
    const panicked = await play([
      [undefined, linux49(3) + PANIC],
      ['web', linux49(1)],
    ]);
    expect(panicked.systems.map(({ state }) => state)).toEqual(['FAILED', 'UP']);
  });
});

describe('a run until a text', () => {
  it('ends in a line of any console that has it, also of one that has only begun', async () => {
    for (const step of [hostUp, ['web', 'one two'], [OWN, 'hypberry: one two\r\n']] as Step[]) {
      const text = step === hostUp ? 'Run /init' : 'one tw';
      const verdict = await play([started, step, ['web', 'not seen']], { until: { text } }, 'hangs');
      expect(verdict.reached).toBe(true);
      expect(verdict.seconds).toBeLessThan(2);
      expect(of(verdict, 'web').console).not.toContain('not seen');
    }
  });

  it('does not end before, though all are up', async () => {
    const verdict = await play([hostUp, webUp, 20, ['web', 'here\n']], { until: { text: 'here' } }, 'hangs');
    expect(verdict).toMatchObject({ verdict: 'UP', reached: true });
    expect(of(verdict, 'web').console).toContain('here');
  });

  it('looks on one console only, where that is asked for', async () => {
    for (const console of [HOST, 'web', OWN]) {
      const until = { text: 'here' };
      const others = [HOST, 'web', OWN].filter((it) => it !== console);
      const elsewhere = others.map((it): Step => [it === HOST ? undefined : it, 'here\r\n']);
      expect((await play(elsewhere, { until, console })).reached).toBe(false);
      const there: Step = [console === HOST ? undefined : console, 'is it here?'];
      expect((await play([...elsewhere, there], { until, console })).reached).toBe(true);
    }
  });

  it('sees a line of each console for itself, as they come in pieces', async () => {
    const until = { text: 'Run /init' };
    const mixed: Step[] = [
      [undefined, 'Run'],
      ['web', ' /init'],
      [undefined, ' on\r\n'],
      ['web', '\r\n'],
    ];
    expect((await play(mixed, { until })).reached).toBe(false);
    const whole: Step[] = [
      [undefined, 'Run /i'],
      ['web', 'something else\r\nmore'],
      [undefined, 'nit'],
    ];
    expect((await play(whole, { until })).reached).toBe(true);
  });

  it('says so where it was not there, or where it was, before a system was up', async () => {
    const never = await play([hostUp, webUp], { until: { text: 'nowhere' } });
    expect(never).toMatchObject({ verdict: 'UP', reached: false });
    const early = await play([['web', 'here\n']], { until: { text: 'here' } });
    expect(early.reached).toBe(true);
    for (const { state, reason } of early.systems) {
      expect(state).toBe('NONE');
      expect(reason).toMatch(/ended where it was to end/);
    }
  });
});

describe('a run until an address', () => {
  it('goes on when all are up, and is there when the engine says so', async () => {
    const options = { systems: SYSTEMS, hypervisor: OWN, timeoutSeconds: 5, until: { address: 0x8000 } };
    const steps = [hostUp, webUp, 20, ['web', 'later']] as Step[];
    const reached = await runSystems(playing(steps, 'ends', { reachedBy: 3 }), nothing, options);
    expect(reached).toMatchObject({ verdict: 'UP', reached: true, machine: { reachedBy: 3 } });
    expect(of(reached, 'web').console).toContain('later');
    expect((await runSystems(playing(steps), nothing, options)).reached).toBe(false);
  });
});

it('what the engine throws is passed on', async () => {
  const error = new HypberryError('engine.missing', 'It is not there.', 'Get it.');
  const engine: Engine = { name: 'broken', run: () => Promise.reject(error) };
  const options = { systems: SYSTEMS, hypervisor: OWN, timeoutSeconds: 1 };
  await expect(runSystems(engine, nothing, options)).rejects.toBe(error);
});
