import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { RAM_SIZE, randomFrom, testBoard } from './rig.js';

/**
 * The same reads and writes on this board and on QEMU's raspi2b, whose processor stands still (QEMU's qtest protocol
 * reaches memory and devices). Where the two are known to differ, the script stays clear of it or the difference is
 * taken out, and the reason stands beside it.
 */

beforeAll(() => ensureTools(['qemu-system-arm']), 300_000);

type Step = { read: number; keep?: number } | { write: number; value: number };

/** QEMU answers each line with `OK`, or `OK 0x…` to a read; it does not end by itself. */
async function inQemu(steps: readonly Step[]): Promise<number[]> {
  const lines = steps.map((step) =>
    'read' in step
      ? `readl 0x${step.read.toString(16)}`
      : `writel 0x${step.write.toString(16)} 0x${step.value.toString(16)}`,
  );
  const silent = ['-display', 'none', '-serial', 'null', '-monitor', 'none', '-qtest-log', 'none'];
  const qemu = spawn('qemu-system-arm', ['-M', 'raspi2b', '-S', '-qtest', 'stdio', ...silent]);
  try {
    const answers: string[] = [];
    qemu.stdin.write(`${lines.join('\n')}\n`);
    for await (const line of createInterface({ input: qemu.stdout })) {
      answers.push(line);
      if (answers.length === lines.length) break;
    }
    expect(answers.length, 'lines that QEMU answered').toBe(lines.length);
    expect(answers.filter((line) => !line.startsWith('OK'))).toEqual([]);
    return answers.filter((line) => line.includes('0x')).map((line) => Number(line.slice(3)));
  } finally {
    qemu.kill('SIGKILL');
  }
}

/** The same on this board, in which no time passes either. */
function onThisBoard(steps: readonly Step[]): number[] {
  const rig = testBoard({ revision: 0xa21041, armMemory: 0x3c00_0000, ramSize: 0x4000_0000 });
  const values: number[] = [];
  for (const step of steps) {
    if ('read' in step) values.push(inRam(step.read) ? rig.word(step.read) : rig.read(step.read));
    else if (inRam(step.write)) rig.setWords(step.write, step.value);
    else rig.write(step.write, step.value);
  }
  return values;
}

const inRam = (address: number): boolean => address < RAM_SIZE;

async function compare(steps: readonly Step[]): Promise<void> {
  const reads = steps.filter((step) => 'read' in step);
  const show = (values: readonly number[]): string[] =>
    values.map((value, i) => {
      const { read, keep = 0xffff_ffff } = reads[i]!;
      return `${i}: ${read.toString(16)} = ${((value & keep) >>> 0).toString(16)}`;
    });
  expect(show(onThisBoard(steps))).toEqual(show(await inQemu(steps)));
}

/** `count` writes of random values to `writable`, after each of which a register of `readable` is read. */
function script(
  seed: number,
  count: number,
  writable: readonly (readonly [address: number, mask: number, always?: number])[],
  readable: readonly (readonly [address: number, keep?: number])[],
): Step[] {
  const random = randomFrom(seed);
  const steps: Step[] = [];
  for (let i = 0; i < count; i++) {
    const [write, mask, always = 0] = writable[random(writable.length)]!;
    // Single bits as often as whole words.
    const value = random(2) === 0 ? 2 ** random(32) : random(0x1_0000_0000);
    steps.push({ write, value: ((value & mask) | always) >>> 0 });
    const [read, keep = 0xffff_ffff] = readable[random(readable.length)]!;
    steps.push({ read, keep });
  }
  for (const [read, keep = 0xffff_ffff] of readable) steps.push({ read, keep });
  return steps;
}

const range = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + 4 * i);

describe('this board and QEMU', () => {
  test('local controller', async () => {
    const BASE = 0x4000_0000;
    const writable: [number, number, number?][] = [
      [BASE + 0x0c, 0xf],
      [BASE + 0x24, 0x7],
      // Not the flag: QEMU lets it be written, the document says that it can only be cleared. Not a period of 0, which
      // ends QEMU when the timer is on.
      [BASE + 0x34, 0x3fff_ffff, 1],
      ...range(BASE + 0x40, 8).map((address): [number, number] => [address, 0xff]),
      ...range(BASE + 0x80, 32).map((address): [number, number] => [address, 0xffff_ffff]),
    ];
    // Not the control register, prescaler, core timer and PMU routing: QEMU does not have them.
    const readable = [0x0c, 0x24, 0x34, ...range(0x40, 16), ...range(0xc0, 16)].map((at): [number] => [
      BASE + at,
    ]);
    await compare(script(1, 400, writable, readable));
  });

  test('interrupt controller, with the UART as a source, down to the core', async () => {
    const BASE = 0x3f00_b200;
    const writable: [number, number, number?][] = [
      // Sources above the eight basic ones end QEMU.
      [BASE + 0x0c, 0xbf],
      ...range(BASE + 0x10, 6).map((address): [number, number] => [address, 0xffff_ffff]),
      [BASE + 0x14, 1 << 25],
      [0x3f20_1000, 0xff],
      [0x3f20_1038, 0x20],
      [0x3f20_1044, 0x20],
      [0x4000_000c, 0xf],
    ];
    const readable: [number, number?][] = [
      // QEMU sets bit 9 for the UART although its own bit 19 shows it; the datasheet says only for others (7.5).
      [BASE + 0x00, ~0x200 >>> 0],
      ...range(BASE + 0x04, 8).map((address): [number] => [address]),
      // QEMU gives ones above the eight bits there are.
      [BASE + 0x24, 0xff],
      ...range(0x4000_0060, 8).map((address): [number] => [address]),
    ];
    await compare(script(2, 400, writable, readable));
  });

  test('PL011', async () => {
    const BASE = 0x3f20_1000;
    // From the same state: this board starts as the firmware leaves the UART, QEMU's after a reset.
    const start: Step[] = [
      { write: BASE + 0x24, value: 26 },
      { write: BASE + 0x28, value: 3 },
      { write: BASE + 0x2c, value: 0x70 },
      { write: BASE + 0x30, value: 0x301 },
    ];
    const writable: [number, number, number?][] = [
      [BASE + 0x00, 0xff],
      [BASE + 0x04, 0xff],
      [BASE + 0x18, 0xffff_ffff],
      // Only bits that exist: QEMU 7.2 keeps others too.
      [BASE + 0x20, 0xff],
      [BASE + 0x24, 0xffff],
      [BASE + 0x28, 0x3f],
      [BASE + 0x2c, 0xff],
      // Enabled, without loopback: QEMU sends while the UART is off, and 7.2 has no loopback.
      [BASE + 0x30, 0xfc06, 0x301],
      [BASE + 0x34, 0x3f],
      [BASE + 0x38, 0x7ff],
      [BASE + 0x44, 0x7ff],
      [BASE + 0x48, 0x7],
    ];
    // Identification but for the revision, which Linux' device tree gives as 2 and QEMU as 1.
    const ids = range(BASE + 0xfe0, 8).filter((address) => address !== BASE + 0xfe8);
    const offsets = [0x04, 0x18, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x48];
    await compare([
      ...start,
      ...script(3, 400, writable, [
        ...offsets.map((at): [number] => [BASE + at]),
        ...ids.map((at): [number] => [at]),
      ]),
    ]);
  });

  test('GPIO', async () => {
    const BASE = 0x3f20_0000;
    const random = randomFrom(4);
    const steps: Step[] = [];
    for (let round = 0; round < 20; round++) {
      // Levels are compared for outputs alone: QEMU shows what was set on inputs as well.
      const outputs = [0, 0];
      for (let select = 0; select < 6; select++) {
        let value = 0;
        for (let i = 0; i < (select < 5 ? 10 : 4); i++) {
          const pin = select * 10 + i;
          const chosen = random(8);
          value |= chosen << (3 * i);
          if (chosen === 1) outputs[pin >> 5]! |= 1 << (pin & 31);
        }
        steps.push({ write: BASE + 4 * select, value: value >>> 0 }, { read: BASE + 4 * select });
      }
      for (let i = 0; i < 10; i++) {
        const half = random(2);
        const register = random(2) === 0 ? 0x1c : 0x28;
        steps.push({ write: BASE + register + 4 * half, value: random(0x1_0000_0000) });
        steps.push({ read: BASE + 0x34 + 4 * half, keep: outputs[half]! });
        steps.push({ read: BASE + register + 4 * half });
      }
    }
    await compare(steps);
  });

  test('system timer compares, power manager, clock dividers, random number control, thermal control', async () => {
    const password = 0x5a00_0000;
    const writable: [number, number, number?][] = [
      // Not 0: with time standing still whether that has matched is a question of who looks when.
      ...range(0x3f00_300c, 4).map((address): [number, number, number] => [address, 0xffff_ffff, 0x100]),
      [0x3f10_001c, 0x31f & ~0x30, password], // without the watchdog's full reset, which QEMU does at once
      [0x3f10_0020, 0xff_ffff, password],
      [0x3f10_0020, 0xff_ffff],
      [0x3f10_0024, 0xf_ffff, password],
      [0x3f10_1074, 0xff_ffff, password],
      [0x3f10_10a4, 0xff_ffff, password],
      // The VPU's clock: of most others QEMU 7.2 does not update BUSY, as it takes another clock's divider for them.
      [0x3f10_1008, 0x60f, password | 0x10],
      [0x3f10_4000, 0x3],
      [0x3f10_4004, 0xf_ffff],
      [0x3f21_2000, 0x07ff_ff7f],
    ];
    const readable: [number, number?][] = [
      ...range(0x3f00_3000, 7).map((address): [number] => [address]),
      ...range(0x3f10_001c, 3).map((address): [number] => [address]),
      [0x3f10_1074],
      [0x3f10_10a4],
      [0x3f10_1008],
      [0x3f10_4000],
      // How many words wait: QEMU says one, on or off.
      [0x3f10_4004, 0xf_ffff],
      [0x3f21_2000],
    ];
    const start: Step[] = [
      { write: 0x3f10_1008, value: password },
      { write: 0x3f10_1074, value: password },
      { write: 0x3f10_10a4, value: password },
    ];
    await compare([...start, ...script(5, 400, writable, readable)]);
  });

  test('property calls', async () => {
    const random = randomFrom(6);
    const steps: Step[] = [];
    const BUFFER = 0x1_0000;
    /** Tag, words of its value, and which bits of the answer count. */
    const calls: [tag: number, value: () => number[], keep: number[]][] = [
      [0x0001_0001, () => [0], [~0]],
      [0x0001_0002, () => [0], [~0]],
      [0x0001_0005, () => [0, 0], [~0, ~0]],
      [0x0001_0006, () => [0, 0], [~0, ~0]],
      [0x0002_8001, () => [random(9), random(4)], [~0, ~0]],
      [0x0003_0006, () => [0, 0], [~0, ~0]],
      [0x0004_8003, () => [320 + 16 * random(40), 200 + random(400)], [~0, ~0]],
      // No smaller than any screen above: QEMU then takes offsets that lie outside.
      [0x0004_8004, () => [960 + 16 * random(40), 600 + random(400)], [~0, ~0]],
      // 16 or 32 bits and such widths make lines of whole 32 bytes; this board rounds up, as the firmware does.
      [0x0004_8005, () => [random(2) === 0 ? 16 : 32], [~0]],
      [0x0004_8006, () => [random(2)], [~0]],
      [0x0004_0003, () => [0, 0], [~0, ~0]],
      [0x0004_0004, () => [0, 0], [~0, ~0]],
      [0x0004_0005, () => [0], [~0]],
      [0x0004_0006, () => [0], [~0]],
      [0x0004_0008, () => [0], [~0]],
      [0x0004_8009, () => [random(100), random(100)], [~0, ~0]],
      [0x0004_0009, () => [0, 0], [~0, ~0]],
      [0x0004_000a, () => [7, 7, 7, 7], [~0, ~0, ~0, ~0]],
      // The firmware's addresses are in the uncached alias, QEMU's are not.
      [0x0004_0001, () => [16, 0], [0x3fff_ffff, ~0]],
      // Left out for differing on purpose: firmware and board facts that QEMU makes up (revision of the firmware, MAC,
      // serial number, clock rates, highest temperature, DMA channels), unknown tags, which QEMU calls answered, and
      // values that do not fit, which QEMU writes all the same.
    ];
    for (let i = 0; i < 150; i++) {
      // The first call makes the virtual size such a one.
      const chosen = Array.from({ length: 1 + random(3) }, () => calls[i === 0 ? 7 : random(calls.length)]!);
      const keeps: number[] = [~0, ~0];
      const words: number[] = [0, 0];
      for (const [tag, value, keep] of chosen) {
        const request = value();
        words.push(tag, request.length * 4, 0, ...request);
        keeps.push(~0, ~0, ~0, ...keep);
      }
      words.push(0);
      keeps.push(~0);
      words[0] = words.length * 4;
      words.forEach((value, at) => steps.push({ write: BUFFER + 4 * at, value: value >>> 0 }));
      steps.push({ read: 0x3f00_b898, keep: 0xc000_0000 });
      steps.push({ write: 0x3f00_b8a0, value: 0xc000_0000 + BUFFER + 8 });
      steps.push({ read: 0x3f00_b890 }, { read: 0x3f00_b880 });
      steps.push({ read: 0x3f00_b898, keep: 0xc000_0000 }, { read: 0x3f00_b89c });
      keeps.forEach((keep, at) => steps.push({ read: BUFFER + 4 * at, keep: keep >>> 0 }));
    }
    await compare(steps);
  });
});
