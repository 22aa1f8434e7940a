import { describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import * as C from '../../src/channel/layout.js';
import { planChannel } from '../../src/channel/ports.js';
import { channelRecords } from '../../src/channel/records.js';
import { deviceWords, planDevices } from '../../src/guest/devices.js';
import { checkForwards, parseForward, parseHostSide } from '../../src/guest/forwards.js';
import { parseGuestsFile } from '../../src/guest/guests.js';

const code = (it: string): HypberryError => expect.objectContaining({ code: it }) as HypberryError;

describe('a forward as it is written behind --forward', () => {
  test.each([
    ['8080:80', '8080:80'],
    ['1:65535', '1:65535'],
    ['65535:1/tcp', '65535:1'],
    ['53:5353/udp', '53:5353/udp'],
    ['0080:08', '80:8'],
  ])('%s', (written, forward) => {
    expect(parseForward(written)).toBe(forward);
  });

  test.each([
    ['0:80', 'there is no port 0'],
    ['80:0', 'there is no port 0'],
    ['65536:80', 'there is no port 65536'],
    ['80:99999999999999999999', 'there is no port 99999999999999999999'],
    ['80:80/UDP', '"UDP" is neither tcp nor udp'],
    ['80:80/sctp', '"sctp" is neither tcp nor udp'],
    ['80:80/', '"" is neither tcp nor udp'],
    ['80', 'not two ports'],
    ['80:', 'not two ports'],
    [':80', 'not two ports'],
    ['-80:80', 'not two ports'],
    ['80:80:80', 'not two ports'],
    ['127.0.0.1:80:80', 'not two ports'],
    ['', 'not two ports'],
  ])('refused: %s', (written, why) => {
    expect(() => parseForward(written)).toThrow(code('guest.forward'));
    expect(() => parseForward(written)).toThrow(why);
  });

  test('one is known by its port on the host', () => {
    expect(['8080', '8080:1', '53/udp', '53:9/udp', '7/tcp'].map(parseHostSide)).toEqual([
      ...['8080', '8080', '53/udp', '53/udp', '7'],
    ]);
    for (const written of ['', 'web', '0', '65536', '80/UDP'])
      expect(() => parseHostSide(written)).toThrow(code('guest.forward'));
  });
});

describe('forwards of all guests', () => {
  const net = (name: string, ...forwards: string[]) => ({ name, network: 'host' as const, forwards });

  test('a port leads to one guest, by each protocol', () => {
    expect(() => {
      checkForwards([net('a', '80:80', '80:80/udp'), net('b', '81:80'), { name: 'c' }]);
    }).not.toThrow();
    for (const guests of [
      [net('a', '80:80', '80:81')],
      [net('a', '53:1/udp'), net('b', '53:2/udp')],
      [{ name: 'a', forwards: ['80:80'] }],
      [{ name: 'a', network: 'none' as const, forwards: ['80:80'] }],
      [net('a', ...Array.from({ length: 17 }, (_, i) => `${i + 1}:80`))],
    ])
      expect(() => {
        checkForwards(guests);
      }).toThrow(code('guest.forward'));
  });

  test('stand in the record of their card, as CHANNEL.md has it', () => {
    const guest = { ...net('web', '8080:80', '53:5353/udp'), mac: '52:54:00:12:34:56' };
    const records = channelRecords(planChannel([{ ...planDevices(guest), memory: 2 << 20, cores: [3] }]));
    const at = C.PORT_RECORDS + C.PORT_RECORD_SIZE + 384;
    const words = [...new Uint32Array(records.slice(at, at + 128).buffer)];
    expect(words.slice(0, 4)).toEqual([6, 8080 * 0x1_0000 + 80, 17, 53 * 0x1_0000 + 5353]);
    expect(words.slice(4)).toEqual(Array(28).fill(0));
    expect(deviceWords(guest)).toEqual([
      'network host (52:54:00:12:34:56)',
      'forward 8080:80',
      'forward 53:5353/udp',
    ]);
  });

  test("the guests' file holds what the option takes, and nothing else", () => {
    const fileOf = (forwards: unknown): string =>
      JSON.stringify({
        version: 1,
        guests: [
          {
            ...{ name: 'web', kernel: 'a', memory: 64, cores: 1, commandLine: '', network: 'host' },
            ...{ mac: '52:54:00:12:34:56', forwards },
          },
        ],
      });
    const forwards = ['1:1', '65535:65535', '6553:59999/udp', '60000:9'];
    expect(parseGuestsFile(fileOf(forwards)).guests[0]!.forwards).toEqual(forwards);
    for (const wrong of [
      ['0:1'],
      ['1:65536'],
      ['70000:1'],
      ['1:1/tcp'],
      ['01:1'],
      ['1'],
      '1:1',
      [1],
      ['1:1', '1:2'],
    ])
      expect(() => parseGuestsFile(fileOf(wrong))).toThrow(code('guest.file-damaged'));
  });
});
