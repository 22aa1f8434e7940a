/** The device that gives random bytes (virtio 1.2, 5.4), which every guest has behind its others. */
import { expect, test } from 'vitest';
import { createMachineOfGuests } from './models/machine.js';
import { BUFFERS, disk, driverOf, DRIVER_OK, F, NEEDS_RESET, programOf, R } from './models/virtio.js';

const ENTROPY = 4;
const bytesOf = (memory: DataView, at: number, bytes: number): string =>
  Buffer.from(memory.buffer, at, bytes).toString('hex');

test.each([1, 2] as const)('fills buffers, of which no two are the same (version %i)', (virtio) => {
  const machine = createMachineOfGuests([
    { cores: [1], virtio },
    { cores: [2], virtio },
  ]);
  const seen: string[] = [];
  for (const [guest, core] of [1, 2].entries()) {
    const driver = driverOf(machine, core, guest);
    expect([R.DEVICE_ID, R.FEATURES].map(driver.reg)).toEqual([ENTROPY, F.INDIRECT | F.EVENT_IDX]);
    expect(driver.reg(R.CONFIG)).toBe(0);
    expect(driver.start(F.EVENT_IDX) & DRIVER_OK).toBe(DRIVER_OK);
    for (const [n, bytes] of [64, 32, 5].entries()) {
      const at = BUFFERS + 0x100 * n;
      new Uint8Array(machine.memory.buffer, driver.physical(at), 64).fill(0);
      driver.add([{ at, bytes, write: true }], n);
      const written = Math.min(bytes, 32);
      expect(driver.used()).toEqual([{ head: n, written }]);
      seen.push(bytesOf(machine.memory, driver.physical(at), 5));
      expect(bytesOf(machine.memory, driver.physical(at + written), 32)).toBe('00'.repeat(32));
      expect(driver.reg(R.INTERRUPT_STATUS)).toBe(1);
      driver.setReg(R.INTERRUPT_ACK, 1);
      driver.wantInterruptAt(n + 1);
    }
  }
  expect(new Set(seen).size).toBe(6);
  expect(seen).not.toContain('00'.repeat(5));
});

test('is in the slot behind the disks; a buffer that is not to be written breaks it', () => {
  const machine = createMachineOfGuests([{ disks: [disk()], cores: [1] }]);
  programOf(machine, 0).offer();
  const driver = driverOf(machine, 1, 0, 1);
  expect(driver.reg(R.DEVICE_ID)).toBe(ENTROPY);
  driver.start();
  driver.add([{ at: BUFFERS, bytes: 64 }]);
  expect(driver.reg(R.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
  expect(driver.used()).toEqual([]);
  driver.start();
  driver.add([{ at: BUFFERS, bytes: 64, write: true }]);
  expect(driver.used()).toHaveLength(1);
});
