import { describe, expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { readHypervisorFile } from '../../src/hypervisor/image/description.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { ARM_MEMORY, guest, GUEST_MEMORY, quietHost, smallImage } from './payloads.js';

const idle = Uint8Array.of(0xfe, 0xff, 0xff, 0xea);

describe('what the file says about itself', () => {
  const { file, guestMemory, hostEnd } = smallImage(quietHost, [
    guest(idle, { name: 'web' }),
    guest(idle, { name: 'db-2', cores: [2, 3], memory: 2 * GUEST_MEMORY }),
  ]);

  test('its machines and consoles', () => {
    const it = readHypervisorFile(file)!;
    expect(it).toMatchObject({ version: 1, armMemory: ARM_MEMORY, hostEnd, hostCores: 2 });
    expect(it.guests).toEqual([
      { name: 'web', memory: GUEST_MEMORY, physical: guestMemory[0], cores: [3] },
      { name: 'db-2', memory: 2 * GUEST_MEMORY, physical: guestMemory[1], cores: [2, 3] },
    ]);
    expect(it.consoles.map(({ name }) => name)).toEqual(['hypberry', 'web', 'db-2']);
    const logs = it.consoles.map(({ log }) => log).sort((a, b) => a - b);
    expect(it.consoles.map(({ size }) => size)).toEqual([0x1_0000, 0x1_0000, 0x1_0000]);
    expect(logs[1]! - logs[0]!).toBeGreaterThanOrEqual(0x1_0000);
    expect(logs[0]).toBeGreaterThanOrEqual(hostEnd);
    expect(logs[2]! + 0x1_0000).toBeLessThanOrEqual(ARM_MEMORY);
  });

  test('nothing, where it is something else', () => {
    const with1 = (at: number, value: number): Uint8Array => {
      const copy = file.slice();
      copy[at] = value;
      return copy;
    };
    const a = assembler(0);
    const on = a.label('on');
    a.b(on);
    a.word(0, 0, 0);
    a.at(on);
    for (const bytes of [
      new Uint8Array(),
      quietHost,
      a.assemble(),
      with1(3, 0xeb),
      with1(4, 0),
      with1(10, 0xff),
      file.slice(0, 0x100),
      with1(new DataView(file.buffer).getUint32(8, true), 0xff),
    ])
      expect(readHypervisorFile(bytes)).toBeUndefined();
  });
});

test.each([['', 'web'], ['Web'], ['a b'], ['a'.repeat(16)], ['ü'], ['hypberry'], ['web', 'web']])(
  'guests are not called %j, %j',
  (...names) => {
    const guests = names.map((name) => guest(idle, { name }));
    expect(() =>
      buildHypervisor({ armMemory: ARM_MEMORY, hostCores: 3, hostKernel: quietHost, guests }),
    ).toThrow(expect.objectContaining({ code: 'hypervisor.name' }));
  },
);
