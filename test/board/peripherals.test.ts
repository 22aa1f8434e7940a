import { describe, expect, test } from 'vitest';
import { testBoard } from './rig.js';

describe('GPIO', () => {
  const BASE = 0x3f20_0000;
  const GPFSEL1 = BASE + 0x04;
  const GPFSEL4 = BASE + 0x10;
  const GPSET1 = BASE + 0x20;
  const GPCLR1 = BASE + 0x2c;
  const GPLEV0 = BASE + 0x34;
  const GPLEV1 = BASE + 0x38;
  const GPEDS0 = BASE + 0x40;
  const GPEDS1 = BASE + 0x44;
  const GPREN0 = BASE + 0x4c;
  const GPFEN0 = BASE + 0x58;
  const GPHEN1 = BASE + 0x68;

  test("the UART's pins come as ALT0, as U-Boot checks before it uses the UART", () => {
    const { read } = testBoard();
    expect((read(GPFSEL1) >>> 12) & 0x3f).toBe(0b100_100);
  });

  test('an output follows set and clear, an input what is connected', () => {
    const { read, write, board } = testBoard();
    write(GPSET1, 1 << (47 - 32));
    expect(read(GPLEV1)).toBe(0);
    write(GPFSEL4, 1 << 21); // GPIO 47, the activity light
    expect(read(GPLEV1)).toBe(1 << 15);
    write(GPCLR1, 1 << 15);
    expect(read(GPLEV1)).toBe(0);
    board.gpio.setInput(5, true);
    expect(read(GPLEV0)).toBe(1 << 5);
    // Pins 54 and up do not exist.
    write(GPSET1, 0xffff_ffff);
    write(BASE + 0x14, 0x3fff_ffff);
    expect(read(BASE + 0x14)).toBe(0xfff);
  });

  test('edges and levels are detected where enabled, and interrupt by bank', () => {
    const { read, write, board, told } = testBoard();
    write(0x3f00_b214, (1 << 17) | (1 << 18)); // GPU interrupts 49 and 50
    write(GPREN0, 1 << 4);
    write(GPFEN0, 1 << 6);
    board.gpio.setInput(4, true);
    board.gpio.setInput(6, true);
    expect([read(GPEDS0), told.irq[0]]).toEqual([1 << 4, true]);
    write(GPEDS0, 1 << 4);
    expect([read(GPEDS0), told.irq[0]]).toEqual([0, false]);
    board.gpio.setInput(6, false);
    expect(read(GPEDS0)).toBe(1 << 6);
    write(GPEDS0, 0xffff_ffff);
    // A level that stays is detected again.
    write(GPHEN1, 1 << 8);
    board.gpio.setInput(40, true);
    expect([read(GPEDS1), read(0x3f00_b208)]).toEqual([1 << 8, 1 << 18]);
    write(GPEDS1, 1 << 8);
    expect(read(GPEDS1)).toBe(1 << 8);
  });
});

describe('clock manager', () => {
  const CM = 0x3f10_1000;
  const A2W = 0x3f10_2000;
  const CRYSTAL = 19_200_000;

  /** A PLL's rate as Linux' driver works it out. */
  function pllRate(read: (address: number) => number, low: number): number {
    const control = read(A2W + 0x100 + low);
    const prediv = read(A2W + 0x014 + low) & (1 << 14) ? 2 : 1;
    const ndiv = (control & 0x3ff) + (read(A2W + 0x200 + low) & 0xf_ffff) / 2 ** 20;
    return (CRYSTAL * ndiv * prediv) / ((control >>> 12) & 7);
  }

  test('the PLLs run as the firmware sets them: ARM 900 MHz, UART clock 48 MHz', () => {
    const { read } = testBoard();
    expect(pllRate(read, 0xe0) / read(A2W + 0x3e0)).toBe(900e6);
    const perPlld = pllRate(read, 0x40) / read(A2W + 0x540);
    expect(perPlld).toBeCloseTo(500e6, -3);
    expect(read(CM + 0xf0) & 0xf).toBe(6);
    expect((perPlld * 4096) / read(CM + 0xf4) / 48e6).toBeCloseTo(1, 3);
    expect(read(CM + 0x114) & 0x1f00).toBe(0x0e00);
  });

  test('writes need the password; a clock is busy while it is enabled', () => {
    const { read, write } = testBoard();
    write(CM + 0xa0, 0x16);
    expect(read(CM + 0xa0)).toBe(0);
    write(CM + 0xa4, 0x5a00_5000);
    expect(read(CM + 0xa4)).toBe(0x5000);
    write(CM + 0xa0, 0x5a00_0016);
    expect(read(CM + 0xa0)).toBe(0x96);
    write(CM + 0xa0, 0x5a00_0006);
    expect(read(CM + 0xa0)).toBe(0x06);
    write(CM + 0xa0, 0x5a00_0036);
    expect(read(CM + 0xa0) & 0x80).toBe(0);
  });

  test('a PLL locks when it is powered and out of reset', () => {
    const { read, write } = testBoard();
    write(A2W + 0x100, 0x5a02_1034);
    expect(read(CM + 0x114) & 0x100).toBe(0);
    write(CM + 0x104, 0x5a00_0000);
    expect(read(CM + 0x114) & 0x100).toBe(0x100);
    write(A2W + 0x100, 0x5a03_1034);
    expect(read(CM + 0x114) & 0x100).toBe(0);
  });
});

describe('power manager', () => {
  const RSTC = 0x3f10_001c;
  const RSTS = 0x3f10_0020;
  const WDOG = 0x3f10_0024;
  const FULL_RESET = 0x20;

  test('Linux restarts the board through the watchdog, ten ticks later', () => {
    const { read, write, time, told } = testBoard();
    write(WDOG, 0x5a00_000a);
    write(RSTC, (0x5a00_0000 | (read(RSTC) & ~0x30) | FULL_RESET) >>> 0);
    time.advance(150_000);
    expect(told.ended).toEqual([]);
    time.advance(10_000);
    expect(told.ended).toEqual(['reset']);
  });

  test('partition 63 means power off', () => {
    const { read, write, time, told } = testBoard();
    write(RSTS, (0x5a00_0000 | read(RSTS) | 0x555) >>> 0);
    write(WDOG, 0x5a00_000a);
    write(RSTC, (0x5a00_0000 | FULL_RESET) >>> 0);
    time.advance(1_000_000);
    expect(told.ended).toEqual(['power-off']);
  });

  test('a watchdog that is fed or stopped does nothing', () => {
    const { read, write, time, told } = testBoard();
    write(RSTC, 0x5a00_0020);
    write(WDOG, 0x5a01_0000);
    time.advance(600_000_000);
    expect(read(WDOG)).toBe(0x1_0000 - Math.floor(0.6 * 65_536));
    write(WDOG, 0x5a01_0000);
    time.advance(600_000_000);
    write(RSTC, 0x5a00_0102);
    time.advance(2e9);
    expect(told.ended).toEqual([]);
  });

  test('nothing happens without the password', () => {
    const { read, write, time, told } = testBoard();
    write(WDOG, 1);
    write(RSTC, FULL_RESET);
    time.advance(1e9);
    expect([told.ended, read(RSTC)]).toEqual([[], 0x102]);
  });

  test('power domains come up at once, and their bridges acknowledge', () => {
    const { read, write } = testBoard();
    const GRAFX = 0x3f10_010c;
    write(GRAFX, 0x5a00_0001);
    expect(read(GRAFX) & 2).toBe(2);
    write(GRAFX, 0x5a00_0009);
    expect(read(GRAFX) & 0x10).toBe(0x10);
    expect(read(0x3f00_a020)).toBe(0x6272_6467);
    write(0x3f00_a008, 0x5a00_0000);
    expect(read(0x3f00_a008) & 2).toBe(0);
    write(0x3f00_a008, 0x5a00_0001);
    expect(read(0x3f00_a008) & 2).toBe(2);
  });
});

describe('random numbers and temperature', () => {
  test('numbers come when the generator is on, different ones, the same from the same seed', () => {
    const take = (): number[] => {
      const { read, write } = testBoard();
      expect([read(0x3f10_4004) >>> 24, read(0x3f10_4008)]).toEqual([0, 0]);
      write(0x3f10_4004, 0x4_0000);
      write(0x3f10_4000, 1);
      expect(read(0x3f10_4004) >>> 24).toBeGreaterThan(0);
      return Array.from({ length: 1000 }, () => read(0x3f10_4008));
    };
    const first = take();
    expect(new Set(first).size).toBeGreaterThan(995);
    expect(take()).toEqual(first);
    // Bits are set half of the time.
    for (let b = 0; b < 32; b++) {
      const ones = first.filter((value) => (value >>> b) & 1).length;
      expect(Math.abs(ones - 500)).toBeLessThan(80);
    }
  });

  test("the sensor says 25 °C by the BCM2836's formula", () => {
    const { read } = testBoard();
    const status = read(0x3f21_2004);
    expect(status & 0x400).toBe(0x400);
    expect(Math.round((407_000 - 538 * (status & 0x3ff)) / 1000)).toBe(25);
  });
});

describe('AUX and its mini UART', () => {
  const ENABLES = 0x3f21_5004;
  const IO = 0x3f21_5040;
  const IER = 0x3f21_5044;
  const IIR = 0x3f21_5048;
  const LCR = 0x3f21_504c;
  const LSR = 0x3f21_5054;
  const BAUD = 0x3f21_5068;

  test('sends when it is enabled', () => {
    const { write, told } = testBoard();
    write(IO, 0x41);
    write(ENABLES, 1);
    write(IO, 0x42);
    expect([told.auxConsole, told.console]).toEqual(['B', '']);
  });

  test('receives with interrupts, eight characters at a time', () => {
    const { read, write, board, told } = testBoard();
    write(0x3f00_b210, 1 << 29);
    write(ENABLES, 1);
    write(IER, 1);
    expect([read(IIR) & 1, told.irq[0]]).toEqual([1, false]);
    board.aux.receive(Uint8Array.from({ length: 10 }, (_, i) => 0x30 + i));
    expect([read(IIR) & 7, told.irq[0], read(0x3f21_5000)]).toEqual([4, true, 1]);
    expect((read(0x3f21_5064) >>> 16) & 0xf).toBe(8);
    let got = '';
    while (read(LSR) & 1) got += String.fromCharCode(read(IO));
    expect([got, told.irq[0]]).toEqual(['0123456789', false]);
    write(IER, 2);
    expect([read(IIR) & 7, told.irq[0]]).toEqual([2, true]);
  });

  test('DLAB shows the baud rate in the first two registers', () => {
    const { read, write, told } = testBoard();
    write(ENABLES, 1);
    write(LCR, 0x80);
    write(IO, 0x0e);
    write(IER, 0x01);
    expect([read(BAUD), read(IO), read(IER)]).toEqual([0x10e, 0x0e, 0x01]);
    write(LCR, 0x03);
    expect([read(IER), told.auxConsole]).toEqual([0, '']);
  });
});

describe('ARM timer', () => {
  const BASE = 0x3f00_b400;

  test('counts down at the APB clock over predivider and prescale, interrupts at zero and reloads', () => {
    const { read, write, time, told } = testBoard();
    write(0x3f00_b218, 1);
    // 250 MHz / 250 = 1 MHz.
    write(BASE + 0x1c, 249);
    write(BASE + 0x00, 1000);
    write(BASE + 0x08, 0x3e00a2);
    time.advance(500_000);
    expect([read(BASE + 0x04), told.irq[0]]).toEqual([500, false]);
    time.advance(501_000);
    expect([read(BASE + 0x10), read(BASE + 0x14), told.irq[0]]).toEqual([1, 1, true]);
    write(BASE + 0x0c, 0);
    expect([read(BASE + 0x10), told.irq[0]]).toEqual([0, false]);
    time.advance(1_100_000);
    expect(told.irq[0]).toBe(true);
  });

  test('the free-running counter counts when it is on', () => {
    const { read, write, time } = testBoard();
    time.advance(1_000_000);
    expect(read(BASE + 0x20)).toBe(0);
    write(BASE + 0x08, 0xf9_0200); // prescale 249
    time.advance(1_000_000);
    expect(read(BASE + 0x20)).toBe(1000);
  });
});

describe('SD controllers with an empty slot', () => {
  test('SDHOST: a command without response passes, any other times out', () => {
    const { read, write, time } = testBoard({}, 'none');
    const BASE = 0x3f20_2000;
    write(BASE, 0x8000 | 0x400 | 0);
    expect(read(BASE) & 0xc000).toBe(0x8000);
    time.advance(1_000_000);
    expect([read(BASE) & 0xc000, read(BASE + 0x20)]).toEqual([0, 0]);
    write(BASE + 0x04, 0x1aa);
    write(BASE, 0x8000 | 8);
    time.advance(1_000_000);
    expect([read(BASE) & 0xc000, read(BASE + 0x20) & 0x40]).toEqual([0x4000, 0x40]);
    write(BASE + 0x20, 0x7f8);
    expect(read(BASE + 0x20)).toBe(0);
    // The state machine rests in data mode, whatever is written.
    write(BASE + 0x34, 0xffff_ffff);
    expect(read(BASE + 0x34) & 0x1ff).toBe(1);
  });

  test('SDHCI: resets clear themselves, the clock is stable, commands time out with an interrupt', () => {
    const { read, write, told, time } = testBoard({}, 'none');
    const BASE = 0x3f30_0000;
    write(0x3f00_b214, 1 << 30);
    write(BASE + 0x2c, 0x0100_0000);
    expect(read(BASE + 0x2c)).toBe(0);
    write(BASE + 0x2c, 0x000e_0005);
    expect(read(BASE + 0x2c)).toBe(0x000e_0007);
    expect(read(BASE + 0x24) & 0x1_0003).toBe(0);
    write(BASE + 0x34, 0x17ff_00ff);
    write(BASE + 0x38, 0x17ff_00ff);
    write(BASE + 0x0c, 0); // CMD0
    expect(read(BASE + 0x24) & 1).toBe(1);
    time.advance(1_000_000);
    expect([read(BASE + 0x30), told.irq[0]]).toEqual([1, true]);
    write(BASE + 0x30, 1);
    expect(told.irq[0]).toBe(false);
    write(BASE + 0x0c, 0x081a_0000); // CMD8, which wants an answer
    time.advance(1_000_000);
    expect([read(BASE + 0x30), told.irq[0]]).toEqual([0x1_8000, true]);
    write(BASE + 0x30, 0xffff_ffff);
    expect([read(BASE + 0x30), told.irq[0]]).toEqual([0, false]);
    expect(read(BASE + 0xfc) >>> 16).toBe(0x9902);
  });
});

describe('DWC2', () => {
  const BASE = 0x3f98_0000;

  test('identifies itself, resets at once, and is a host with an empty port', () => {
    const { read, write } = testBoard();
    expect(read(BASE + 0x40) >>> 12).toBe(0x4f542);
    write(BASE + 0x10, 1);
    expect(read(BASE + 0x10)).toBe(0x8000_0000);
    expect(read(BASE + 0x14) & 1).toBe(1);
    write(BASE + 0x440, 0x1000);
    expect(read(BASE + 0x440)).toBe(0x1000);
    write(BASE + 0x0c, 1 << 30);
    expect(read(BASE + 0x14) & 1).toBe(0);
  });

  test('a transfer to nobody halts with an error and an interrupt', () => {
    const { read, write, told } = testBoard();
    write(0x3f00_b210, 1 << 9);
    write(BASE + 0x08, 1);
    write(BASE + 0x18, 1 << 25);
    write(BASE + 0x418, 1 << 3);
    write(BASE + 0x50c + 3 * 0x20, 2);
    expect(told.irq[0]).toBe(false);
    write(BASE + 0x500 + 3 * 0x20, 0x8000_0000);
    expect([read(BASE + 0x508 + 3 * 0x20), read(BASE + 0x414), told.irq[0]]).toEqual([0x82, 8, true]);
    expect(read(BASE + 0x500 + 3 * 0x20) >>> 31).toBe(0);
    write(BASE + 0x508 + 3 * 0x20, 0xff);
    expect(told.irq[0]).toBe(false);
  });
});

describe('buses with nothing connected', () => {
  test('I2C transfers end without an acknowledgement', () => {
    const { read, write } = testBoard();
    const BASE = 0x3f80_4000;
    write(BASE + 0x0c, 0x50);
    write(BASE + 0x08, 1);
    write(BASE, 0x8080);
    expect(read(BASE + 0x04) & 0x103).toBe(0x102);
    expect(read(BASE) & 0x80).toBe(0);
    write(BASE + 0x04, 0x302);
    expect(read(BASE + 0x04) & 0x102).toBe(0);
    expect(read(BASE + 0x14)).toBe(0x5dc);
  });

  test('SPI transfers are done while TA is set; PWM and PCM never fill up', () => {
    const { read, write } = testBoard();
    write(0x3f20_4000, 0xb0);
    expect(read(0x3f20_4000) & 0x5_0080).toBe(0x5_0080);
    write(0x3f20_4004, 0x55);
    expect(read(0x3f20_4004)).toBe(0);
    for (let i = 0; i < 100; i++) {
      write(0x3f20_c018, i);
      write(0x3f20_3004, i);
    }
    expect(read(0x3f20_c004) & 1).toBe(0);
    expect(read(0x3f20_3000) & (1 << 19)).toBe(1 << 19);
  });
});
