/** Words that the interpreter moves by itself between a core and a device's buffer: nobody can tell it from the device's doing it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import type { DataBuffer } from '../../src/ports/data-buffer.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { r1, r2, r3, r4, r5, r6, r7 } from '../../src/isa/registers.js';
import '../support/seed.js';
import { bareCpu } from './machines.js';

const DEVICE = 0x3f30_0000;
const DATA = DEVICE + 0x20;
/** What has gone through the buffer, and its length. */
const STATUS = DEVICE + 0x24;
const CODE = 0x8000;
const SCRATCH = 0x2_0000;

/** What core 0 does again and again: r4 = DATA, r5 = SCRATCH, r6 = 0, which half of the words are. */
const steps: readonly ((a: Assembler) => void)[] = [
  (a) => {
    a.ldr(r1, [r4]);
  },
  (a) => {
    a.str(r7, [r4]);
    a.add(r7, r7, 1);
  },
  (a) => {
    a.ldr(r2, [r4, 4]);
    a.add(r3, r3, r2);
  },
  (a) => {
    a.ldm(r4, [r1, r2]);
  },
  (a) => {
    a.stm(r4, [r6, r7]);
  },
  (a) => {
    a.ldrb(r1, [r4]);
  },
  (a) => {
    a.strh(r7, [r4]);
  },
  (a) => {
    a.ldr(r1, [r5]);
    a.add(r1, r1, 1);
    a.str(r1, [r5]);
  },
  // No wait, as each look takes a word.
  (a) => {
    const again = a.label('again');
    a.at(again);
    a.ldr(r1, [r4]);
    a.add(r3, r3, 1);
    a.cmp(r1, r6);
    a.beq(again);
  },
  (a) => {
    const again = a.label('again');
    a.at(again);
    a.ldr(r1, [r4]);
    a.cmp(r1, r6);
    a.beq(again);
  },
];

function programOf(kinds: readonly number[]): Uint8Array {
  const a = assembler(CODE);
  a.movw(r4, DATA & 0xffff);
  a.movt(r4, DATA >>> 16);
  a.movw(r5, SCRATCH & 0xffff);
  a.movt(r5, SCRATCH >>> 16);
  a.mov(r6, 0);
  const again = a.label('for ever');
  a.at(again);
  for (const kind of kinds) steps[kind]!(a);
  a.b(again);
  return a.assemble();
}

/** A device that gives and wants blocks of one length after the other, and writes down what it hears. */
function deviceOf(lengths: readonly number[]): {
  attach(buffer: DataBuffer): void;
  read(address: number, size: number): number;
  write(address: number, value: number): void;
  /** All that it got, and what is in the buffer. */
  got(): number[];
  heard: number;
} {
  let buffer: DataBuffer;
  let block = 0;
  const got: number[] = [];
  const words = (): DataView => new DataView(buffer.bytes.buffer, buffer.bytes.byteOffset);
  const open = (): void => {
    buffer.length = lengths[block % lengths.length]!;
    buffer.way = block % 3 === 2 ? 'write' : 'read';
    buffer.at = 0;
    for (let at = 0; at < buffer.length; at += 4)
      words().setUint32(at, buffer.way === 'read' && (at >>> 2) % 7 > 3 ? block * 0x1_0000 + at : 0, true);
  };
  const passed = (): void => {
    buffer.at += 4;
    if (buffer.at < buffer.length) return;
    got.push(...buffer.bytes.subarray(0, buffer.length));
    block++;
    open();
  };
  const device = {
    heard: 0,
    attach(its: DataBuffer) {
      buffer = its;
      open();
    },
    read(address: number, size: number) {
      if (address === STATUS) return buffer.at + buffer.length * 0x1_0000;
      if (address !== DATA || buffer.way !== 'read') return 0;
      device.heard++;
      const word = words().getUint32(buffer.at, true);
      passed();
      return size === 4 ? word : word & 0xff;
    },
    write(address: number, value: number) {
      if (address !== DATA || buffer.way !== 'write') return;
      device.heard++;
      words().setUint32(buffer.at, value, true);
      passed();
    },
    got: () => [...got, buffer.at, buffer.length, ...buffer.bytes.subarray(0, buffer.length)],
  };
  return device;
}

async function machineOf(
  kinds: readonly number[],
  lengths: readonly number[],
  byItself: boolean,
): Promise<{ cpu: Cpu; device: ReturnType<typeof deviceOf> }> {
  const device = deviceOf(lengths);
  const cpu = await bareCpu({
    bus: {
      read: (_, address, size) => device.read(address, size),
      write: (_, address, __, value) => {
        device.write(address, value);
      },
      steadyUntil: (address) => (address === DATA ? -Infinity : Infinity),
    },
  });
  device.attach(cpu.dataBuffer(DATA));
  // Of a page without one the interpreter asks TypeScript.
  if (!byItself) cpu.machine.dataBuffers.clear();
  cpu.memory.load(CODE, programOf(kinds));
  cpu.machine.u32[L.PC >>> 2] = CODE;
  return { cpu, device };
}

/** All that can be seen of a machine. */
const seen = ({ cpu, device }: Awaited<ReturnType<typeof machineOf>>): unknown => [
  cpu.time,
  cpu.machine.i32[L.BUDGET >>> 2],
  [...cpu.machine.u32.subarray(0, 16)],
  [...cpu.memory.observe(SCRATCH, 8)],
  device.got(),
];

const kindsOf = fc.array(fc.nat(steps.length - 1), { minLength: 1, maxLength: 12 });
/** Bytes of blocks, of whole words and not. */
const lengthsOf = fc.array(fc.oneof(fc.constantFrom(4, 64, 512, 4092), fc.integer({ min: 1, max: 70 })), {
  minLength: 1,
  maxLength: 5,
});

test('registers, memory, time and the device are the same at every time whoever moves the words', async () => {
  await fc.assert(
    fc.asyncProperty(
      kindsOf,
      lengthsOf,
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 12 }),
      async (kinds, lengths, stretches) => {
        const [one, unit, other] = [
          await machineOf(kinds, lengths, true),
          await machineOf(kinds, lengths, true),
          await machineOf(kinds, lengths, false),
        ];
        unit.cpu.translates = 1;
        for (const stretch of stretches) {
          for (const { cpu } of [one, unit, other]) cpu.run(cpu.time + stretch);
          expect(seen(one)).toEqual(seen(other));
          expect(seen(unit)).toEqual(seen(other));
        }
        for (const { device } of [one, unit]) expect(device.heard).toBeLessThanOrEqual(other.device.heard);
      },
    ),
    { numRuns: 25 },
  );
});

test('the device hears of the last word of each block alone', async () => {
  const { cpu, device } = await machineOf([0, 1], [512], true);
  // A block is read, another one, and one is written: 128 words each, of four instructions a round.
  cpu.run(5 + 4 * 128 * 3);
  // The first word of all is the one with which the page's translation is found; one may go by while it is seen that the
  // loop waits for nothing (src/cpu/waits.ts).
  expect(device.heard).toBeGreaterThanOrEqual(1 + 3);
  expect(device.heard).toBeLessThanOrEqual(1 + 3 + 1);
  expect(device.got()).toHaveLength(3 * 512 + 2 + 512);
});

test('a second buffer in a page, or one too many, is refused', async () => {
  const cpu = await bareCpu();
  for (let n = 0; n < 7; n++) cpu.dataBuffer(DATA + n * 0x1000);
  expect(() => cpu.dataBuffer(DATA + 0x10)).toThrow(RangeError);
  expect(() => cpu.dataBuffer(DATA - 0x1000)).toThrow(RangeError);
});

test('who looks at accesses sees each of them', async () => {
  const { cpu } = await machineOf([0], [512], true);
  let looks = 0;
  cpu.watch({
    wants: () => false,
    instruction: () => false,
    wantsAccesses: () => true,
    access: () => {
      looks++;
      return false;
    },
  });
  cpu.run(1000);
  expect(looks).toBeGreaterThan(450);
});
