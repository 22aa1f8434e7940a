import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOCAL_BASE } from '../../src/board/local-peripherals.js';
import { CHANNEL } from '../../src/board/mailbox.js';
import { namesByOffset } from '../../src/board/register.js';
import { randomFrom, RAM_SIZE, testBoard } from './rig.js';

type Rig = ReturnType<typeof testBoard>;

/** Registers of each device by physical address: those with few come as often as those with many. */
const registers = testBoard().board.bus.parts.map(({ base, device }) =>
  [...namesByOffset(device.registers).keys()].map((offset) => base + offset),
);

const partOf = (name: string): number =>
  testBoard().board.bus.parts.find(({ device }) => device.name === name)!.base;
const DMA = partOf('DMA controller');
const SDHOST = partOf('SDHOST');
const EMMC = partOf('EMMC (SDHCI)');
const GPIO = partOf('GPIO');
/** The mailbox that the ARM writes (BCM2835's mailbox 1). */
const MAILBOX_WRITE = partOf('mailboxes') + 0x20;
/** The local controller, through which all interrupts go. */
const LOCAL = testBoard().board.bus.parts.findIndex(({ base }) => base === LOCAL_BASE);
/** Where in RAM a property buffer and a control block are made. */
const BUFFER = 0x3000;
const BLOCK = 0x3100;

/** Values that start things: passwords, addresses in RAM, single bits, small numbers. */
function value(random: (below: number) => number): number {
  switch (random(6)) {
    case 0:
      return random(4);
    case 1:
      return 2 ** random(32);
    case 2:
      return 0x5a00_0000 + random(0x100_0000);
    case 3:
      return random(RAM_SIZE) & ~0x1f;
    case 4:
      return 0xffff_ffff;
    default:
      return random(0x1_0000_0000);
  }
}

/** Reads and writes registers by a seed, and lets time pass; gives all that it read, and the cores' inputs. */
function drive(rig: Rig, seed: number, accesses: number): number[] {
  const random = randomFrom(seed);
  const seen: number[] = [];
  for (let i = 0; i < accesses; i++) {
    const ofDevice = registers[random(4) === 0 ? LOCAL : random(registers.length)]!;
    const address = ofDevice[random(ofDevice.length)]!;
    if (random(3) === 0) seen.push(rig.read(address));
    else rig.write(address, value(random));
    if (random(8) === 0) rig.time.advance(random(50_000));
    if (random(32) === 0) rig.board.uart.receive(new Uint8Array(random(20)).fill(i));
    if (random(32) === 0) rig.board.gpio.setInput(random(54), random(2) === 1);
    if (random(8) === 0) rig.board.timerLine(random(4), 'virtual', random(2) === 1);
    if (random(16) === 0) seen.push(askProperty(rig, random));
    if (random(16) === 0) startDma(rig, random);
    if (random(40) === 0) useCard(rig, random);
    if (random(64) === 0) rig.board.insertCard(random(2) === 1);
    seen.push([...rig.told.irq, ...rig.told.fiq].reduce((all, level) => 2 * all + Number(level), 0));
  }
  return seen;
}

/** Sets or asks for one of what the firmware keeps: clocks, power, domains, GPIOs, buffers, the screen. */
function askProperty(rig: Rig, random: (below: number) => number): number {
  const tags = [
    0x0003_8001, 0x0003_0001, 0x0003_8002, 0x0003_0002, 0x0002_8001, 0x0002_0001, 0x0003_8030, 0x0003_0030,
    0x0003_8041, 0x0003_0041, 0x0004_801f, 0x0004_000f, 0x0004_8020, 0x0004_0010, 0x0004_8003, 0x0004_0003,
  ];
  const tag = tags[random(tags.length)]!;
  const id = tag === 0x0003_8041 || tag === 0x0003_0041 ? 128 + random(8) : random(12);
  rig.setWords(BUFFER, 32, 0, tag, 8, 0, id, random(4), 0);
  rig.write(MAILBOX_WRITE, BUFFER + CHANNEL.PROPERTY);
  return rig.word(BUFFER + 20) * 2 ** 16 + (rig.word(BUFFER + 24) & 0xffff);
}

/** Has a channel copy within RAM, with an interrupt at its end. */
function startDma(rig: Rig, random: (below: number) => number): void {
  const [INTEN, DEST_INC, SRC_INC] = [1, 1 << 4, 1 << 8];
  rig.setWords(BLOCK, INTEN | DEST_INC | SRC_INC, 0x1000, 0x2000, random(4096), 0, 0, 0, 0);
  const channel = DMA + random(15) * 0x100;
  rig.write(channel + 4, BLOCK);
  rig.write(channel, 1);
}

/** What brings a card to its transfer state, then moves blocks and registers, a step at a time, by either controller. */
const CARD_STEPS: readonly (readonly [index: number, argument: number])[] = [
  [0, 0],
  [8, 0x1aa],
  [55, 0],
  [41, 0x40ff_8000],
  [55, 0],
  [41, 0x40ff_8000],
  [2, 0],
  [3, 0],
  [7, 0x1_0000],
  [16, 512],
];
const CARD_WORK: readonly (readonly [index: number, argument: number])[] = [
  [17, 0x200],
  [18, 0x400],
  [24, 0x600],
  [25, 0x800],
  [12, 0],
  [13, 0x1_0000],
  [6, 0x80ff_fff1],
  [32, 0],
  [33, 0x4000],
  [38, 0],
  [28, 0],
];

function useCard(rig: Rig, random: (below: number) => number): void {
  if (random(8) === 0) {
    // All six pins: to SDHOST or to the EMMC controller.
    const alt = random(3) === 0 ? 7 : 4;
    rig.write(GPIO + 0x10, (alt << 24) | (alt << 27));
    rig.write(GPIO + 0x14, alt | (alt << 3) | (alt << 6) | (alt << 9));
  }
  const steps = random(3) === 0 ? CARD_STEPS : [CARD_WORK[random(CARD_WORK.length)]!];
  const byEmmc = random(3) === 0;
  if (random(2) === 0) rig.write(SDHOST + 0x0c, 3);
  rig.write(SDHOST + 0x3c, 512);
  rig.write(SDHOST + 0x50, 1 + random(3));
  rig.write(EMMC + 0x2c, 0x000e_0507);
  rig.write(EMMC + 0x04, 0x2_0200);
  for (const [index, argument] of steps) {
    const long = index === 2;
    const reads = [6, 17, 18].includes(index);
    const writes = [24, 25].includes(index);
    if (byEmmc) {
      const data = reads || writes ? 0x20_0022 | (reads ? 0x10 : 0) : 0;
      rig.write(EMMC + 0x08, argument);
      rig.write(EMMC + 0x0c, (index << 24) | data | (index === 0 ? 0 : long ? 0x1_0000 : 0x2_0000));
    } else {
      const data = (reads ? 0x40 : 0) | (writes ? 0x80 : 0) | (index === 38 ? 0x800 : 0);
      rig.write(SDHOST + 0x04, argument);
      rig.write(SDHOST, 0x8000 | index | data | (index === 0 ? 0x400 : long ? 0x200 : 0));
    }
    rig.time.advance(random(4) === 0 || index === 41 ? 6_000_000 : random(500_000));
    const port = byEmmc ? EMMC + 0x20 : SDHOST + 0x40;
    for (let words = random(300); words > 0; words--)
      if (writes) rig.write(port, random(0x1_0000_0000));
      else rig.read(port);
  }
}

/** Everything that a board has told its surroundings since they were cleared. */
function telling(rig: Rig): unknown {
  const { console: said, auxConsole, ended, irq, fiq } = rig.told;
  return { said, auxConsole, ended, irq, fiq };
}

function clear({ told }: Rig): void {
  Object.assign(told, { console: '', auxConsole: '' });
  told.ended.length = 0;
}

describe('a board that is saved and restored', () => {
  test('goes on as the one that was saved, whatever was done to it before', () => {
    let told = 0;
    let written = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (before, after, other) => {
        const first = testBoard();
        drive(first, before, 400);
        const [state, ram, time] = [first.board.save(), first.ram.slice(), first.time.clock.now()];
        const contents = first.contents.slice();
        // The one it is put into has a life of its own behind it.
        const second = testBoard();
        drive(second, other, 200);
        second.time.pass(time + 1e9);
        first.time.pass(second.time.clock.now() - time);
        second.board.restore(state);
        second.ram.set(ram);
        second.contents.set(contents);
        // The cores' inputs are the processor's to restore.
        second.told.irq.splice(0, 4, ...first.told.irq);
        second.told.fiq.splice(0, 4, ...first.told.fiq);
        clear(first);
        clear(second);
        expect(drive(second, after, 400)).toEqual(drive(first, after, 400));
        expect(telling(second)).toEqual(telling(first));
        expect(Buffer.compare(second.ram, first.ram)).toBe(0);
        expect(Buffer.compare(second.contents, first.contents)).toBe(0);
        if (first.contents.some((byte) => byte !== 0)) written++;
        expect(second.board.save()).toEqual(first.board.save());
        told += first.told.console.length;
      }),
      { numRuns: 40 },
    );
    expect(told).toBeGreaterThan(0);
    expect(written).toBeGreaterThan(0);
  });

  test('every device, and every timer, has a name of its own', () => {
    const { board } = testBoard();
    const names = board.bus.parts.map(({ device }) => device.name);
    expect(new Set(names).size).toBe(names.length);
    const clock = testBoard().time.clock;
    clock.timer('mine', () => undefined);
    expect(() => clock.timer('mine', () => undefined)).toThrow(RangeError);
    expect(() => {
      clock.restore(new Map([['nobody has this one', 1]]));
    }).toThrow(RangeError);
  });

  test('no device has a field that changes outside its state', () => {
    const folder = join(import.meta.dirname, '../../src/board');
    // What drives the devices, and who listens to a mailbox, is no part of the machine.
    const exempt = ['clock.ts: earliest', 'local-controller.ts: mailboxSet'];
    const loose = readdirSync(folder).flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const fields = [
        ...text.matchAll(/^ {2}(?:private |protected )?(?!readonly\b)([a-zA-Z]\w*)(?:: [^(=;]+)?(?: =|;)/gm),
      ];
      const inClasses = fields.filter(
        ({ index }) => /^(?:export )?class /m.exec(enclosing(text, index)) !== null,
      );
      return inClasses.map(([, name]) => `${file}: ${name!}`).filter((it) => !exempt.includes(it));
    });
    expect(loose).toEqual([]);
  });
});

/** The line that begins what stands at `index`. */
function enclosing(text: string, index: number): string {
  return [...text.slice(0, index).matchAll(/^\S.*\{$/gm)].at(-1)?.[0] ?? '';
}
