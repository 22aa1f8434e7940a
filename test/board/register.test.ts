import { describe, expect, test } from 'vitest';
import { PeripheralBus } from '../../src/board/bus.js';
import { Clock, EVENT_GRANULARITY } from '../../src/board/clock.js';
import {
  bit,
  bits,
  fieldOf,
  indexIn,
  inField,
  namesByOffset,
  register,
  registers,
  type Registers,
} from '../../src/board/register.js';
import { TestTime } from './rig.js';

describe('register definitions', () => {
  test('masks are unsigned, up to the whole word', () => {
    expect([bit(0), bit(31), bits(31, 0), bits(7, 4), bits(31, 31)]).toEqual([
      1, 0x8000_0000, 0xffff_ffff, 0xf0, 0x8000_0000,
    ]);
    expect(fieldOf(0xffff_ffff, bits(31, 28))).toBe(15);
    expect(inField(0x1f, bits(31, 28))).toBe(0xf000_0000);
  });

  test('repeated registers are found by offset and named with their index', () => {
    const repeated = registers(0x10, 3, '', {}, 8);
    expect([0x10, 0x18, 0x20, 0x28, 0x14, 0x08].map((offset) => indexIn(repeated, offset))).toEqual([
      0, 1, 2, -1, -1, -1,
    ]);
    expect([...namesByOffset({ A: register(0, ''), B: repeated })]).toEqual([
      [0, 'A'],
      [0x10, 'B0'],
      [0x18, 'B1'],
      [0x20, 'B2'],
    ]);
  });
});

describe('the clock', () => {
  test('runs what is due in the order of time and gives each action its own time', () => {
    const time = new TestTime();
    const seen: [string, number][] = [];
    time.clock.timer('a', (due) => seen.push(['a', due])).set(5000);
    time.clock.timer('b', (due) => seen.push(['b', due])).set(3000);
    time.pass(9000);
    time.clock.runEvents();
    expect(seen).toEqual([
      ['b', 3000],
      ['a', 5000],
    ]);
    expect(time.clock.nextEvent()).toBe(Infinity);
  });

  test('a timer that is set again has moved, and a cleared one does not run', () => {
    const time = new TestTime();
    let runs = 0;
    const timer = time.clock.timer('a timer', () => runs++);
    timer.set(2000);
    timer.set(4000);
    time.advance(3000);
    expect(runs).toBe(0);
    timer.clear();
    time.advance(3000);
    expect(runs).toBe(0);
  });

  test('an action that sets its timer to the past runs once in each call', () => {
    const clock = new Clock(() => 100);
    let runs = 0;
    const timer = clock.timer('a timer', () => {
      runs++;
      timer.set(0);
    });
    timer.set(0);
    clock.runEvents();
    expect(runs).toBe(1);
  });

  test('events to come are named no closer than the granularity', () => {
    const clock = new Clock(() => 100);
    clock.timer('a timer', () => undefined).set(101);
    expect(clock.nextEvent()).toBe(100 + EVENT_GRANULARITY);
  });

  test('an action can clear a timer that is due at the same time', () => {
    const clock = new Clock(() => 100);
    let runs = 0;
    const second = clock.timer('second', () => runs++);
    clock
      .timer('first', () => {
        second.clear();
      })
      .set(50);
    second.set(60);
    clock.runEvents();
    expect(runs).toBe(0);
  });
});

describe('the bus', () => {
  const list: Registers = { A: register(0, ''), B: register(4, '') };
  function twoDevices() {
    const log: string[] = [];
    const make = (name: string) => {
      const words = new Map<number, number>();
      return {
        name,
        registers: list,
        state: { words },
        words,
        read: (offset: number) => words.get(offset) ?? 0,
        write: (offset: number, value: number) => void words.set(offset, value),
      };
    };
    const first = make('first');
    const second = make('second');
    const bus = new PeripheralBus(
      [
        { base: 0x3f00_b200, size: 0x40, device: first },
        { base: 0x3f00_b400, size: 0x40, device: second },
      ],
      [{ base: 0x3fc0_0000, size: 0x1000, name: 'V3D' }],
      (sentence) => log.push(sentence),
    );
    return { bus, log, first, second };
  }

  test('two devices in a page each get their own accesses', () => {
    const { bus, first, second } = twoDevices();
    bus.write(0, 0x3f00_b204, 4, 0xffff_fffe);
    bus.write(0, 0x3f00_b400, 4, 7);
    expect([...first.words]).toEqual([[4, 0xffff_fffe]]);
    expect([...second.words]).toEqual([[0, 7]]);
    expect(bus.read(3, 0x3f00_b204, 4)).toBe(0xffff_fffe);
  });

  test('narrow accesses take their part of the word', () => {
    const { bus, first } = twoDevices();
    first.words.set(0, 0x8765_4321 | 0);
    expect(bus.read(0, 0x3f00_b200, 1)).toBe(0x21);
    expect(bus.read(0, 0x3f00_b203, 1)).toBe(0x87);
    expect(bus.read(0, 0x3f00_b202, 2)).toBe(0x8765);
    bus.write(0, 0x3f00_b203, 1, 0x1ff);
    expect(first.words.get(0)).toBe(0xff00_0000);
  });

  test('what is not there reads as zero and is named once', () => {
    const { bus, log } = twoDevices();
    for (let i = 0; i < 3; i++) {
      expect(bus.read(0, 0x3f00_b208, 4)).toBe(0);
      expect(bus.read(0, 0x3fc0_0010, 4)).toBe(0);
      expect(bus.read(0, 0xffff_fffc, 4)).toBe(0);
      bus.write(0, 0xffff_f000, 4, 1);
    }
    expect(log).toEqual([
      'first: no register at offset 0x8 (read)',
      'V3D at 0x3fc00000 is not modelled and reads as zero',
      'nothing is modelled in the page at 0xfffff000',
    ]);
  });

  test('a guest that touches every page fills no log', () => {
    const { bus, log } = twoDevices();
    for (let page = 0; page < 5000; page++) bus.read(0, 0x8000_0000 + page * 0x1000, 4);
    expect(log.length).toBeLessThan(600);
    expect(log.at(-1)).toBe('more unmodelled addresses were touched');
  });

  test('an address is named for traces', () => {
    const { bus } = twoDevices();
    expect(bus.placeOf(0x3f00_b206)).toEqual({ device: 'first', register: 'B', offset: 4 });
    expect(bus.placeOf(0x3fc0_0010)).toEqual({ device: 'V3D', register: undefined, offset: 0x10 });
    expect(bus.placeOf(0x1000)).toBeUndefined();
  });
});
