import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import { useTools } from '../../scripts/lib/tools.js';
import { runTrial } from '../../src/engine/verdict.js';
import { CRYSTAL_HZ } from '../../src/board/bcm2836.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { handoverOf } from '../support/handover.js';
import {
  floodingPayload,
  miniUartPayload,
  printingPayload,
  resettingPayload,
  silentPayload,
  TIMED,
  timingPayload,
} from '../support/payloads.js';

useTools();

// A temporary folder of each test's own, in which nothing may be left.
let folder: string;
const usual = process.env['TMPDIR'];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypberry-test-'));
  process.env['TMPDIR'] = folder;
});

afterEach(async () => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  const left = await readdir(folder);
  await rm(folder, { recursive: true });
  expect(left).toEqual([]);
});

const kernelWords =
  '[    0.1] smp: Brought up 1 node, 4 CPUs\r\n[    0.1] CPU: All CPU(s) started in HYP mode.\r\n';

/** Runs a program at address 0 until it has written `length` bytes, or ends. */
async function consoleOf(image: Uint8Array, length = Infinity): Promise<{ console: string; why: string }> {
  const stop = new AbortController();
  let console = '';
  const { why } = await qemuEngine().run(
    handoverOf([0, image]),
    (bytes) => {
      console += Buffer.from(bytes).toString('latin1');
      if (console.length >= length) stop.abort();
    },
    stop.signal,
  );
  return { console, why };
}

describe('QEMU as the machine', () => {
  it('gives what the guest writes to its PL011', async () => {
    const text = 'Hello from 0!\r\n';
    expect(await consoleOf(printingPayload(text), text.length)).toEqual({
      console: text,
      why: 'it was stopped',
    });
  });

  it('counts the generic timers at the crystal rate', async () => {
    const { console } = await consoleOf(timingPayload(), 4);
    const counted = Buffer.from(console, 'latin1').readUInt32LE();
    // The host may take its processor away between two reads.
    expect(counted / TIMED).toBeGreaterThan((0.8 * CRYSTAL_HZ) / 1e6);
    expect(counted / TIMED).toBeLessThan((1.5 * CRYSTAL_HZ) / 1e6);
  });

  it('has every segment at its address', async () => {
    // At 0 "mov pc, #0x8000", to where the program is.
    const jump = Uint8Array.of(0x02, 0xf9, 0xa0, 0xe3);
    const stop = new AbortController();
    let console = '';
    await qemuEngine().run(
      handoverOf([0, jump], [0x4000, new Uint8Array()], [0x8000, printingPayload('far')]),
      (bytes) => {
        console += Buffer.from(bytes).toString('latin1');
        if (console.length >= 3) stop.abort();
      },
      stop.signal,
    );
    expect(console).toBe('far');
  });

  it('ends when the guest resets the machine', async () => {
    expect((await consoleOf(resettingPayload)).why).toBe(
      "the card's system reset the board or switched it off",
    );
  });

  it('does not start where it is stopped already', async () => {
    const engine = qemuEngine({ program: '/does/not/exist' });
    expect(await engine.run(handoverOf(), () => undefined, AbortSignal.abort())).toEqual({
      why: 'it was stopped',
    });
  });

  it('is refused where the program is missing, with what to install', async () => {
    const run = qemuEngine({ program: '/does/not/exist' }).run(
      handoverOf([0, silentPayload]),
      () => undefined,
      new AbortController().signal,
    );
    const error = await run.catch((it: unknown) => it as HypberryError);
    expect(error).toMatchObject({ name: 'HypberryError', code: 'engine.missing' });
    expect((error as HypberryError).hint).toContain('qemu-system-arm');
  });

  it('tells QEMU’s own words where it fails', async () => {
    const run = qemuEngine({ more: ['-no-such-option'] }).run(
      handoverOf([0, silentPayload]),
      () => undefined,
      new AbortController().signal,
    );
    await expect(run).rejects.toMatchObject({
      code: 'engine.failed',
      message: expect.stringContaining('no-such-option') as string,
    });
  });

  it('ends where it cannot write down its memory, in which consoles are', async () => {
    // A folder stands where the file is to be.
    const program = join(await mkdtemp(join(usual ?? '/tmp', 'hypberry-program-')), 'qemu');
    const inTheWay = 'for a; do case "$a" in unix:*) a="${a#unix:}"; mkdir "${a%/qmp,*}/memory";; esac; done';
    await writeFile(program, `#!/bin/sh\n${inTheWay}\nexec qemu-system-arm "$@"\n`, { mode: 0o755 });
    const consoles = [{ name: 'web', log: 0x10_0000, size: 0x100, written: 0x10_0100 }];
    const machine = { ...handoverOf([0, silentPayload]), consoles };
    await expect(
      qemuEngine({ program }).run(machine, () => undefined, AbortSignal.timeout(20_000)),
    ).rejects.toMatchObject({ code: 'engine.failed', message: expect.stringContaining('memory') as string });
    await rm(dirname(program), { recursive: true });
  });

  it('is stopped by an error of who listens to a console in its memory', async () => {
    const text = new TextEncoder().encode('one\n');
    const machine = {
      ...handoverOf([0, silentPayload], [0x10_0000, text], [0x10_0100, Uint8Array.of(text.length, 0, 0, 0)]),
      consoles: [{ name: 'web', log: 0x10_0000, size: 0x100, written: 0x10_0100 }],
    };
    const error = new Error('not this one');
    const running = qemuEngine().run(
      machine,
      (bytes, console) => {
        expect([console, [...bytes]]).toEqual(['web', [...text]]);
        throw error;
      },
      AbortSignal.timeout(20_000),
    );
    await expect(running).rejects.toBe(error);
  });

  it('is stopped by an error in the listener, which is passed on', async () => {
    const run = qemuEngine().run(
      handoverOf([0, printingPayload('x')]),
      () => {
        throw new Error('no more');
      },
      new AbortController().signal,
    );
    await expect(run).rejects.toThrow('no more');
  });
});

describe('a trial in QEMU', () => {
  it('ends with the kernel’s word', async () => {
    const machine = handoverOf([0, printingPayload(kernelWords)]);
    const verdict = await runTrial(qemuEngine(), machine, { timeoutSeconds: 20 });
    expect(verdict).toMatchObject({ verdict: 'HYP', cores: 4, engine: 'qemu' });
    expect(verdict.console).toBe(kernelWords);
  });

  it('gives up on a guest that says nothing', async () => {
    const verdict = await runTrial(qemuEngine(), handoverOf([0, silentPayload]), { timeoutSeconds: 1 });
    expect(verdict).toMatchObject({ verdict: 'NONE', console: '' });
    expect(verdict.reason).toContain('the console stayed empty');
  });

  it('says what came on the mini UART alone', async () => {
    const machine = handoverOf([0, miniUartPayload('Hello there\r\n')]);
    const verdict = await runTrial(qemuEngine(), machine, { timeoutSeconds: 3 });
    expect(verdict).toMatchObject({ verdict: 'NONE', console: '' });
    expect(verdict.miniUart).toMatch(/Hello there\r\nHello/);
    expect(verdict.reason).toContain('mini UART');
  });

  it('gives up on a guest that never ends a line', async () => {
    const verdict = await runTrial(qemuEngine(), handoverOf([0, floodingPayload('#')]), {
      timeoutSeconds: 1.5,
    });
    expect(verdict).toMatchObject({ verdict: 'NONE' });
    expect(verdict.console).toMatch(/^#{100}/);
  });
});

/** Command lines of the processes that run on a file of this test's folder. */
async function processesHere(): Promise<string[]> {
  const child = spawn('ps', ['-axww', '-o', 'args='], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  for await (const piece of child.stdout) pieces.push(piece as Buffer);
  return Buffer.concat(pieces)
    .toString()
    .split('\n')
    .filter((line) => line.includes(`file=${folder}`));
}

describe('a signal that ends the tool', () => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends QEMU and leaves no files: ${name}`, async () => {
      const script = fileURLToPath(new URL('../support/run-forever.ts', import.meta.url));
      const child = spawn(process.execPath, ['--import', 'tsx', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // It writes the guest's first bytes, so QEMU is under way.
      await once(child.stdout, 'data');
      expect(await processesHere()).toHaveLength(1);
      child.kill(name);
      const [, killedBy] = (await once(child, 'close')) as [number | null, string | null];
      expect(killedBy).toBe(name);
      await expect.poll(processesHere).toEqual([]);
      // The loader that runs TypeScript keeps a folder of its own there.
      for (const it of await readdir(folder)) {
        if (it.startsWith('tsx-')) await rm(join(folder, it), { recursive: true });
      }
    });
  }
});
