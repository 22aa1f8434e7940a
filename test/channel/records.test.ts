import { describe, expect, test } from 'vitest';
import { planChannel, type ChannelPlan } from '../../src/channel/ports.js';
import { channelRecords } from '../../src/channel/records.js';

const mac = Uint8Array.of(0x52, 0x54, 0x00, 0xa1, 0xb2, 0xc3);
const disk = (
  path: string,
  size: number,
  readOnly: boolean,
): { path: string; size: number; readOnly: boolean } => ({
  ...{ path, size, readOnly },
});

const of = (mib: number, cores: number[]): { memory: number; cores: number[] } => ({
  memory: mib << 20,
  cores,
});

/** A reader that knows the page's words by their numbers alone: what hypberryd is to find. */
function read(bytes: Uint8Array): unknown {
  const word = (at: number): number =>
    bytes[at]! + bytes[at + 1]! * 0x100 + bytes[at + 2]! * 0x1_0000 + bytes[at + 3]! * 0x100_0000;
  const words = (at: number): number => word(at) + word(at + 4) * 0x1_0000_0000;
  const string = (at: number): string => Buffer.from(bytes.slice(at, bytes.indexOf(0, at))).toString('utf8');
  return {
    magic: Buffer.from(bytes.slice(0, 4)).toString('latin1'),
    version: word(4),
    size: word(8),
    guests: Array.from({ length: word(16) }, (_, n) => {
      const at = 0x400 + 128 * n;
      return [string(at), word(at + 16), word(at + 20), word(at + 24)];
    }),
    ports: Array.from({ length: word(12) }, (_, n) => {
      const at = 0x2000 + 512 * n;
      return {
        kind: word(at),
        flags: word(at + 4),
        guest: [word(at + 8), string(at + 64)],
        data: [word(at + 12), word(at + 16)],
        disk: [word(at + 40), words(at + 20), string(at + 128)],
        mac: Buffer.from(bytes.slice(at + 32, at + 38)).toString('hex'),
      };
    }),
  };
}

describe('the records of a channel', () => {
  const plan = planChannel([
    { ...of(16, [3]), name: 'db', disks: [disk('/srv/öl.img', 8 * 2 ** 30, false)], autostart: false },
    {
      ...{ ...of(256, [2, 3]), name: 'fifteen-letters' },
      disks: [disk('/a', 2 ** 41, false), disk(`/${'x'.repeat(254)}`, 0, true)],
      network: { mac, isolated: false },
    },
  ]);
  const bytes = channelRecords(plan);

  test('say what an independent reader finds', () => {
    const data = plan.ports.map((port): number[] => [port.data, port.dataSize]);
    const none = { disk: [0, 0, ''], mac: '000000000000' };
    expect(read(bytes)).toEqual({
      magic: 'HYPC',
      version: 1,
      size: plan.size,
      guests: [
        ['db', 16 << 20, 1, 1],
        ['fifteen-letters', 256 << 20, 2, 0],
      ],
      ports: [
        { ...none, kind: 1, flags: 0, guest: [0, ''], data: data[0] },
        {
          ...none,
          kind: 3,
          flags: 0,
          guest: [1, 'db'],
          data: data[1],
          disk: [0, 8 * 2 ** 30, '/srv/öl.img'],
        },
        {
          ...none,
          kind: 2,
          flags: 0,
          guest: [2, 'fifteen-letters'],
          data: data[2],
          mac: '525400a1b2c3',
        },
        {
          ...none,
          kind: 3,
          flags: 0,
          guest: [2, 'fifteen-letters'],
          data: data[3],
          disk: [0, 2 ** 41, '/a'],
        },
        {
          ...none,
          kind: 3,
          flags: 1,
          guest: [2, 'fifteen-letters'],
          data: data[4],
          disk: [1, 0, `/${'x'.repeat(254)}`],
        },
      ],
    });
  });

  test('end before the control pages, and are zeros where they say nothing', () => {
    expect(bytes.length).toBe(0x2000 + 24 * 512);
    expect(bytes.subarray(20, 0x400).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(0x400 + 2 * 128, 0x2000).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(0x2000 + 5 * 512).every((byte) => byte === 0)).toBe(true);
  });

  test.each<[string, (port: ChannelPlan['ports'][number]) => ChannelPlan['ports']]>([
    ['a path of 256 bytes', (port) => [{ ...port, path: `/${'ö'.repeat(127)}x` }]],
    ['a NUL in a path', (port) => [{ ...port, path: '/a\0b' }]],
    ['a name of 16 letters', (port) => [{ ...port, guestName: 'a'.repeat(16) }]],
    ['25 ports', (port) => Array.from({ length: 25 }, () => port)],
  ])('there are none of %s', (_, change) => {
    expect(() => channelRecords({ ...plan, ports: change(plan.ports[1]!) })).toThrow(RangeError);
  });
});
