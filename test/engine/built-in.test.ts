import { expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { c, p15, r0, r1, r2, r3, r4 } from '../../src/isa/registers.js';
import { createBuiltInPi, builtInEngine } from '../../src/engine/built-in.js';
import { overlayOf } from '../../src/card/disk-overlay.js';
import { handoverOf } from '../support/handover.js';
import { memoryDisk } from '../support/memory-disk.js';
import { miniUartPayload } from '../support/payloads.js';

const UART = 0x3f201000;
const decoder = new TextDecoder();

/** Writes a letter for each core, core 0 first; the others wait for their turn in memory. */
function fourLetters(): Uint8Array {
  const a = assembler();
  const wait = a.label('wait');
  const end = a.label('end');
  a.mrc(p15, 0, r0, c(0), c(0), 5);
  a.and(r0, r0, 3);
  a.mov(r4, 0x10000);
  a.at(wait);
  a.ldr(r1, [r4]);
  a.cmp(r1, r0);
  a.bne(wait);
  a.add(r2, r0, 0x41);
  a.mov(r3, UART & 0xff000000);
  a.orr(r3, r3, UART & 0x00ff0000);
  a.orr(r3, r3, UART & 0x0000ff00);
  a.str(r2, [r3]);
  a.add(r1, r1, 1);
  a.str(r1, [r4]);
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
}

test('four cores start at 0 and reach the console, one after the other', async () => {
  let console = '';
  const pi = await createBuiltInPi(handoverOf([0, fourLetters()]), (bytes) => {
    console += decoder.decode(bytes);
  });
  pi.run(1e6);
  expect(console).toBe('ABCD');
  expect(pi.cpu.asleep).toBe(true);
  expect(pi.cpu.time).toBe(1e6);
});

test('every run is the same, instruction for instruction', async () => {
  const runs = [];
  for (let i = 0; i < 2; i++) {
    const pi = await createBuiltInPi(handoverOf([0, fourLetters()]), () => undefined);
    pi.run(1e6);
    runs.push(pi.cpu.machine.cores.map(({ executed }) => executed));
  }
  expect(runs[0]).toEqual(runs[1]);
});

test('what was written to the card is saved with the machine, and comes back', async () => {
  const image = new Uint8Array(64 * 512);
  const disk = overlayOf(memoryDisk(image));
  const machine = { ...handoverOf([0, fourLetters()]), card: { disk } };
  const pi = await createBuiltInPi(machine, () => undefined);
  disk.write(5, new Uint8Array(512).fill(1));
  const saved = pi.save();
  disk.write(5, new Uint8Array(512).fill(2));
  disk.write(20, new Uint8Array(512).fill(3));
  pi.restore(saved);
  expect([disk.read(5, 1)[0], disk.read(20, 1)[0], image[5 * 512]]).toEqual([1, 0, 0]);
});

test('the engine ends when it is told to, and when the guest resets the board', async () => {
  const stop = new AbortController();
  const running = builtInEngine().run(
    handoverOf([0, fourLetters()]),
    () => {
      stop.abort();
    },
    stop.signal,
  );
  await expect(running).resolves.toMatchObject({ why: 'it was stopped' });

  const a = assembler();
  // PM_WDOG, then PM_RSTC with a full reset (facts of the watchdog: Linux, bcm2835_wdt.c).
  a.mov(r0, 0x3f000000);
  a.orr(r0, r0, 0x00100000);
  a.mov(r1, 0x5a000000);
  a.orr(r2, r1, 1);
  a.str(r2, [r0, 0x24]);
  a.orr(r2, r1, 0x20);
  a.str(r2, [r0, 0x1c]);
  const end = a.label('end');
  a.at(end);
  a.b(end);
  const reset = builtInEngine().run(
    handoverOf([0, a.assemble()]),
    () => undefined,
    AbortSignal.timeout(20_000),
  );
  await expect(reset).resolves.toMatchObject({ why: "the card's system reset the board" });
});

test('what is written to the mini UART alone is told at the end', async () => {
  const stop = new AbortController();
  setTimeout(() => {
    stop.abort();
  }, 300);
  const { miniUart, crash } = await builtInEngine().run(
    handoverOf([0, miniUartPayload('Hello there\r\n')]),
    () => {
      throw new Error('that is the PL011');
    },
    stop.signal,
  );
  expect(miniUart).toMatch(/^(?:Hello there\r\n)+/);
  expect(crash).toBeUndefined();
});
