import { describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import {
  planDevices,
  checkDevices,
  deviceWords,
  newMac,
  parseDisk,
  type WithDevices,
} from '../../src/guest/devices.js';
import { parseGuestsFile } from '../../src/guest/guests.js';

const code = (it: string): HypberryError => expect.objectContaining({ code: it }) as HypberryError;
const MAC = '52:54:00:12:34:56';

describe('a disk as it is written behind --disk', () => {
  test.each([
    ['/dev/sda2', { path: '/dev/sda2' }],
    ['/srv/web.img,size=8G', { path: '/srv/web.img', size: '8G' }],
    ['/srv/web.img,size=2t', { path: '/srv/web.img', size: '2T' }],
    ['/srv/a b.iso,ro', { path: '/srv/a b.iso', readOnly: true }],
    ['/srv/a=b', { path: '/srv/a=b' }],
    [`/${'ö'.repeat(127)}`, { path: `/${'ö'.repeat(127)}` }],
  ])('%s', (written, disk) => {
    expect(parseDisk(written)).toEqual(disk);
  });

  test.each([
    ['a relative path', 'web.img', 'does not begin with "/"'],
    ['no path', ',size=8G', 'does not begin with "/"'],
    ['a folder', '/srv/', 'ends with "/"'],
    ['the root', '/', 'ends with "/"'],
    ['256 bytes', `/${'ö'.repeat(127)}x`, 'more than 255 bytes'],
    ['a half of a character', '/\ud800', 'is no UTF-8'],
    ['NUL', '/a\0b', 'control character'],
    ['a line feed', '/a\n', 'control character'],
    ['an escape', '/\x1b[2J', 'control character'],
    ['CSI of eight bits', '/\x9b2J', 'control character'],
    ['a size without a unit', '/a,size=8', 'a whole number with K, M, G or T'],
    ['a size of another unit', '/a,size=8GB', 'a whole number with K, M, G or T'],
    ['half a gigabyte', '/a,size=0.5G', 'a whole number with K, M, G or T'],
    ['nothing', '/a,size=0G', 'a whole number with K, M, G or T'],
    ['a negative size', '/a,size=-1G', 'a whole number with K, M, G or T'],
    ['more than 2^41 bytes', '/a,size=2049G', 'more than 2T'],
    ['more than that in K', '/a,size=2147483649K', 'more than 2T'],
    ['a word that is none', '/a,rw', '"rw" is no setting'],
    ['a size twice', '/a,size=1G,size=2G', '"size=2G" is no setting'],
    ['an empty word', '/a,', '"" is no setting'],
  ])('refused: %s', (_, written, why) => {
    expect(() => parseDisk(written)).toThrow(code('guest.disk'));
    expect(() => parseDisk(written)).toThrow(why);
  });
});

describe('devices together', () => {
  const disks = (name: string, ...paths: readonly string[]): WithDevices => ({
    name,
    disks: paths.map((path) => (path.endsWith('!') ? { path: path.slice(0, -1), readOnly: true } : { path })),
  });
  const net = (name: string, mac: string | undefined): WithDevices => ({ name, network: 'host', mac });

  test.each<[string, readonly WithDevices[]]>([
    ['no devices', [{ name: 'a' }, { name: 'b', network: 'none' }]],
    ['files of their own', [disks('a', '/x', '/y'), disks('b', '/z')]],
    ['one that all read', [disks('a', '/x!', '/x!'), disks('b', '/x!')]],
    ['a size of a disk that is made', [{ name: 'a', disks: [{ path: '/x', size: '1G' }] }]],
    ['addresses of their own', [net('a', MAC), net('b', '52:54:00:12:34:57')]],
    ['an address and isolation for a network to come', [{ name: 'a', mac: MAC, isolated: true }]],
    [
      'all 24 ports',
      [
        net('a', MAC),
        ...['b', 'c'].map((it) => disks(it, ...'12345678'.split('').map((n) => `/${it}${n}`))),
      ].concat(disks('d', '/1', '/2', '/3', '/4', '/5', '/6')),
    ],
  ])('taken: %s', (_, guests) => {
    expect(() => {
      checkDevices(guests);
    }).not.toThrow();
  });

  test.each<[string, string, readonly WithDevices[]]>([
    ['a disk twice in a guest', 'guest.disk', [disks('a', '/x', '/x')]],
    ['one that two write to', 'guest.disk', [disks('a', '/x'), disks('b', '/x')]],
    ['one that the second writes to', 'guest.disk', [disks('a', '/x!'), disks('b', '/x')]],
    ['one that the first writes to', 'guest.disk', [disks('a', '/x'), disks('b', '/x!')]],
    ['the same by another name', 'guest.disk', [disks('a', '/x/y'), disks('b', '//x/./y')]],
    ['the same by a way back', 'guest.disk', [disks('a', '/x/y'), disks('b', '/../x/z/.././y')]],
    ['nine disks', 'guest.disk', [disks('a', ...'123456789'.split('').map((it) => `/${it}`))]],
    [
      'a disk that would stay empty',
      'guest.disk',
      [{ name: 'a', disks: [{ path: '/x', size: '1G', readOnly: true }] }],
    ],
    ['a card without an address', 'guest.network', [net('a', undefined)]],
    ['an address twice', 'guest.network', [net('a', MAC), net('b', MAC)]],
    [
      '25 ports',
      'guest.devices',
      [
        net('a', MAC),
        ...['b', 'c'].map((it) => disks(it, ...'12345678'.split('').map((n) => `/${it}${n}`))),
        disks('d', '/1', '/2', '/3', '/4', '/5', '/6', '/7'),
      ],
    ],
  ])('refused: %s', (_, expected, guests) => {
    expect(() => {
      checkDevices(guests);
    }).toThrow(code(expected));
  });
});

describe("the guests' file", () => {
  const WEB = { name: 'web', kernel: 'a.kernel', memory: 64, cores: 1, commandLine: '' };
  const fileOf = (...more: readonly object[]): string =>
    JSON.stringify({ version: 1, guests: more.map((it, i) => ({ ...WEB, name: `g${i}`, ...it })) });

  test('has disks and a network as they were written', () => {
    const devices = {
      disks: [
        { path: '/srv/web.img', size: '8G' },
        { path: '/dev/sda1', readOnly: true },
      ],
      ...{ network: 'host', isolated: true, mac: MAC, virtio: 1 },
    };
    expect(parseGuestsFile(fileOf(devices)).guests).toEqual([{ ...WEB, name: 'g0', ...devices }]);
  });

  test.each<[string, object]>([
    ['guests[0].disks must be a list of at most 8 disks', { disks: '/x' }],
    ['guests[0].disks must be a list', { disks: '123456789'.split('').map((it) => ({ path: `/${it}` })) }],
    ['guests[0].disks[0] must be an object', { disks: ['/x'] }],
    ['guests[0].disks[0].path must be an absolute path on the host', { disks: [{ path: 'x' }] }],
    ['guests[0].disks[0].path must be', { disks: [{ path: `/${'ö'.repeat(128)}` }] }],
    ['guests[0].disks[0].size must be a whole number with K', { disks: [{ path: '/x', size: 8 }] }],
    ['guests[0].disks[0].size must be', { disks: [{ path: '/x', size: '3T' }] }],
    ['guests[0].disks[0].ro is nothing', { disks: [{ path: '/x', ro: true }] }],
    ['guests[0].disks[0].readOnly must be true or false', { disks: [{ path: '/x', readOnly: 1 }] }],
    ['guests[0].network must be "host" or "none"', { network: 'nat' }],
    ['guests[0].isolated must be true or false', { isolated: 'yes' }],
    ['guests[0].mac must be six bytes', { mac: 'b8:27:eb:00:00:01' }],
    ['guests[0].mac must be six bytes', { mac: '53:54:00:12:34:56' }],
    ['guests[0].virtio must be 1 or 2', { virtio: 3 }],
    ['g0 has a network, and its network card no address', { network: 'host' }],
  ])('refused: %s', (what, devices) => {
    const parse = (): unknown => parseGuestsFile(fileOf(devices));
    expect(parse).toThrow(code('guest.file-damaged'));
    expect(parse).toThrow(what);
  });
});

test('what the hypervisor is to know', () => {
  expect(
    planDevices({
      name: 'web',
      disks: [
        { path: '/x', size: '3M' },
        { path: '/y', readOnly: true },
      ],
      ...{ network: 'host', mac: MAC, isolated: true },
    }),
  ).toEqual({
    name: 'web',
    disks: [
      { path: '/x', size: 3 * 1024 * 1024, readOnly: false },
      { path: '/y', size: 0, readOnly: true },
    ],
    network: { mac: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56), isolated: true },
  });
  expect(planDevices({ name: 'web', network: 'none', mac: MAC })).toEqual({ name: 'web' });
});

test('a new address is local, of one station, and nobody else’s', () => {
  const drawn = [Uint8Array.of(0x12, 0x34, 0x56), Uint8Array.of(1, 2, 3)];
  expect(newMac([{ name: 'a', mac: MAC }], () => drawn.shift()!)).toBe('52:54:00:01:02:03');
});

test('devices in words', () => {
  expect(deviceWords({ name: 'web' })).toEqual([]);
  expect(
    deviceWords({
      name: 'web',
      disks: [{ path: '/x' }, { path: '/y', size: '8G' }, { path: '/z', readOnly: true }],
      ...{ network: 'host', mac: MAC, isolated: true, virtio: 1, autostart: false },
    }),
  ).toEqual([
    'disk /x',
    'disk /y (8G)',
    'disk /z (read-only)',
    `network host (${MAC}, isolated)`,
    'virtio 1',
    'no autostart',
  ]);
});
