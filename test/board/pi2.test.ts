import { describe, expect, test } from 'vitest';
import { inertByOffset, namesByOffset } from '../../src/board/register.js';
import { testBoard } from './rig.js';

describe('the board', () => {
  test('no two parts overlap, and every register lies inside its part, aligned', () => {
    const { parts } = testBoard().board.bus;
    const sorted = [...parts].sort((a, b) => a.base - b.base);
    sorted.forEach(({ base, size, device }, i) => {
      const next = sorted[i + 1];
      if (next) expect(base + size, device.name).toBeLessThanOrEqual(next.base);
      for (const [offset, name] of namesByOffset(device.registers)) {
        expect(offset % 4, `${device.name} ${name}`).toBe(0);
        expect(offset, `${device.name} ${name}`).toBeLessThan(size);
      }
    });
  });

  test('no two registers of a device share an offset, and field masks are one run of bits each', () => {
    for (const { device } of testBoard().board.bus.parts) {
      const count = Object.values(device.registers).reduce((sum, register) => sum + register.count, 0);
      expect(namesByOffset(device.registers).size, device.name).toBe(count);
      for (const [name, { bits }] of Object.entries(device.registers)) {
        for (const [field, mask] of Object.entries(bits)) {
          expect(mask.toString(2), `${device.name} ${name}.${field}`).toMatch(/^1+0*$/);
        }
      }
    }
  });

  test('the UART interrupts core 0 through both controllers, and another core when it is routed there', () => {
    const { board, write, read, told } = testBoard();
    write(0x3f20_1038, 0x10);
    write(0x3f00_b214, 1 << 25);
    board.uart.receive(new Uint8Array(10));
    expect(told.irq).toEqual([true, false, false, false]);
    expect(read(0x4000_0060)).toBe(0x100);
    expect(read(0x3f00_b200)).toBe(1 << 19);
    write(0x4000_000c, 2);
    expect(told.irq).toEqual([false, false, true, false]);
    write(0x3f00_b20c, 0x80 | 57);
    write(0x4000_000c, (3 << 2) | 2);
    expect(told.fiq).toEqual([false, false, false, true]);
  });

  test("a core's timer goes to that core's IRQ", () => {
    const { board, write, told } = testBoard();
    write(0x4000_0044, 0x8);
    board.timerLine(1, 'virtual', true);
    expect(told.irq).toEqual([false, true, false, false]);
    board.timerLine(1, 'virtual', false);
    expect(told.irq).toEqual([false, false, false, false]);
  });

  test('the system timer interrupts on lines 0 to 3', () => {
    const { write, time, told, read } = testBoard();
    write(0x3f00_b210, 0xf);
    write(0x3f00_3018, 50);
    time.advance(60_000);
    expect([told.irq[0], read(0x3f00_b204)]).toEqual([true, 8]);
  });

  test('what of a register is kept and does nothing is named once, when it is first written', () => {
    const { board, write, told } = testBoard();
    const inert = board.bus.parts.flatMap(({ base, device }) =>
      [...inertByOffset(device.registers)].map(([offset, { bits, words }]) => {
        const name = namesByOffset(device.registers).get(offset)!;
        return {
          at: base + offset,
          bits,
          words: `${device.name}: ${name} is kept and does nothing: ${words}`,
        };
      }),
    );
    expect(inert.length).toBeGreaterThan(15);
    for (const { at, bits, words } of inert) {
      write(at, ~bits >>> 0);
      expect(told.log).not.toContain(words);
      for (let i = 0; i < 2; i++) write(at, bits);
      expect(told.log.filter((it) => it === words)).toEqual([words]);
    }
  });

  test('blocks that are not modelled are named once and read as zero', () => {
    const { read, write, told } = testBoard();
    for (let i = 0; i < 2; i++) {
      expect(read(0x3fc0_0000)).toBe(0);
      write(0x3f40_0000, 1);
      expect(read(0x3f60_0004)).toBe(0);
      expect(read(0x3f00_b900)).toBe(0);
    }
    expect(told.log).toEqual([
      'V3D at 0x3fc00000 is not modelled and reads as zero',
      'video scaler (HVS) at 0x3f400000 is not modelled and reads as zero',
      'secondary memory interface (SMI) at 0x3f600000 is not modelled and reads as zero',
      'ARM control block at 0x3f00b000 is not modelled and reads as zero',
    ]);
  });

  test('every address gets a name for traces', () => {
    const { bus } = testBoard().board;
    expect(bus.placeOf(0x3f20_1018)).toEqual({ device: 'PL011 UART0', register: 'FR', offset: 0x18 });
    expect(bus.placeOf(0x4000_009c)?.register).toBe('MAILBOX_SET7');
    expect(bus.placeOf(0x3f10_10f0)?.register).toBe('UARTCTL');
    expect(bus.placeOf(0x3f10_2140)?.register).toBe('PLLD_CTRL');
  });
});
