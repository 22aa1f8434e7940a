/** The channel's memory, and who sees it how; its protocol is in the tests of what uses it. */
import { expect, test } from 'vitest';
import { r0, r1, r2, r3 } from '../../src/isa/registers.js';
import * as C from '../../src/channel/layout.js';
import type { ChannelDisk } from '../../src/channel/ports.js';
import { channelRecords } from '../../src/channel/records.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import * as L from '../../src/hypervisor/shared/layout.js';
import { ramView } from '../support/ram.js';
import { createMachineOfGuests } from './models/machine.js';
import { ARM_MEMORY, guest, handoverOf, load, smallGuest, smallHost, smallImage } from './payloads.js';

const MIB2 = 0x20_0000;
const SEEN = 0x2000;
const disks: readonly ChannelDisk[] = [{ path: '/srv/disk', size: 1 << 20, readOnly: false }];
const idle = smallGuest((a) => {
  const again = a.label('again');
  a.at(again);
  a.wfi();
  a.b(again);
});

test('it lies between the guests’ memory and the copies of their files, in whole blocks', () => {
  const { channel, copies, guestMemory, hostEnd } = smallImage(idle, [guest(idle, { disks }), guest(idle)]);
  expect(channel).toMatchObject({ address: copies - MIB2, size: MIB2 });
  expect(channel.ports.map(({ kind }) => kind)).toEqual([C.KIND_DISK]);
  expect(guestMemory).toEqual([copies - 2 * MIB2, copies - 3 * MIB2]);
  expect(hostEnd).toBe(copies - 3 * MIB2);
  expect(smallImage(idle, [guest(idle)]).channel).toMatchObject({ size: MIB2, ports: [] });
});

test('there are at most 24 ports, and 15 disks of a guest', () => {
  const image = (...counts: readonly number[]) =>
    smallImage(
      idle,
      counts.map((count) => guest(idle, { disks: Array.from({ length: count }, () => disks[0]!) })),
    );
  const refusal = expect.objectContaining({ code: 'hypervisor.ports' }) as unknown;
  expect(image(15, 9).channel.ports).toHaveLength(24);
  expect(() => image(15, 10)).toThrow(refusal);
  expect(() => image(16)).toThrow(refusal);
  const network = { mac: new Uint8Array(6), isolated: false };
  const withCard = (count: number) =>
    guest(idle, { disks: new Array<ChannelDisk>(count).fill(disks[0]!), network });
  expect(smallImage(idle, [withCard(14)]).channel.ports).toHaveLength(16);
  expect(() => smallImage(idle, [withCard(15)])).toThrow(refusal);
});

test('the host finds header and records as the image has them, the rest cleared, and may write', async () => {
  const host = smallHost(
    (a) => {
      const end = a.label('end');
      load(a, r3, SEEN);
      load(a, r1, channel);
      a.ldr(r0, [r1]);
      a.str(r0, [r3]);
      load(a, r2, C.CONTROL + C.HOST_CONTROL);
      a.ldr(r0, [r1, r2]);
      a.str(r0, [r3, 4]);
      a.str(r3, [r1, r2]);
      a.ldr(r0, [r1, r2]);
      a.str(r0, [r3, 8]);
      load(a, r1, C.DOORBELL);
      a.str(r3, [r1]);
      a.ldr(r0, [r1]);
      a.str(r0, [r3, 12]);
      a.mov(r0, 1);
      a.str(r0, [r3, 16]);
      a.at(end);
      a.wfi();
      a.b(end);
    },
    () => undefined,
  );
  const plan = [guest(idle, { disks })];
  const image = smallImage(host, plan);
  expect(image.channel.address).toBe(channel);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  const ram = ramView(pi.cpu);
  const dirty = [C.HOST_PAGE, C.CONTROL, C.CONTROL + C.CONTROL_SIZE - 4];
  for (const at of [...dirty, C.CONTROL + C.HOST_CONTROL]) ram.setUint32(channel + at, 0xdead, true);
  ram.setUint32(SEEN + 12, 0xdead, true);
  pi.run(20_000_000);
  const word = (n: number): number => ram.getUint32(SEEN + 4 * n, true);
  expect([0, 1, 2, 3, 4].map(word)).toEqual([C.MAGIC, 0, SEEN, 0, 1]);
  expect(dirty.map((at) => ram.getUint32(channel + at, true))).toEqual([0, 0, 0]);
  const records = channelRecords(image.channel);
  expect(pi.cpu.memory.observe(channel, records.length).slice()).toEqual(records);
});
/** Of small machines: behind it are the copies and the hypervisor, a block each. */
const channel = ARM_MEMORY - 3 * MIB2;

test('it is uncached in the second stage of the host, and in HYP mode, and in no guest', () => {
  const { memory, symbol, image } = createMachineOfGuests([{ disks, cores: [1] }, { cores: [2] }]);
  const { address } = image.channel;
  const descriptors = (tables: number, count: number): bigint[] =>
    Array.from({ length: (count * L.TABLE_SIZE) / 8 }, (_, i) =>
      memory.getBigUint64(tables + 8 * i, true),
    ).filter((it) => (it & 0xff_ffff_f000n & ~0x1f_f000n) === BigInt(address) && (it & 3n) === 1n);
  const [host, ...others] = descriptors(symbol('hostTables'), L.HOST_TABLES);
  // MemAttr 0101: Normal, inner and outer non-cacheable; HAP 11 (DDI 0406C B3.6.2); XN.
  expect([others.length, (host! >> 2n) & 0xfn, (host! >> 6n) & 3n, host! >> 54n]).toEqual([0, 5n, 3n, 1n]);
  const [own, ...more] = descriptors(symbol('hypTables'), L.HYP_TABLES);
  // AttrIndx 2: 0x44 in HMAIR0.
  expect([more.length, (own! >> 2n) & 7n, own! >> 54n]).toEqual([0, 2n, 1n]);
  expect(descriptors(symbol('guestTables'), (L.VMS - 1) * L.GUEST_TABLES)).toEqual([]);
});

test('the bell is a PL011 behind the consoles, which has nothing to read', () => {
  const { load: loadAt, store } = createMachineOfGuests([{ disks, cores: [1] }]);
  const bell = L.NEAR_UARTS + 8 * 0x1000;
  const [FR, CR, IMSC, RIS] = [0x18, 0x30, 0x38, 0x3c];
  const [RXFE, TXFE, TX] = [1 << 4, 1 << 7, 1 << 5];
  store(0, bell + CR, 0x301);
  store(0, bell + IMSC, 0x7f0);
  expect([CR, IMSC].map((at) => loadAt(0, bell + at))).toEqual([0x301, 0x7f0]);
  expect(loadAt(0, bell + FR) & (RXFE | TXFE)).toBe(RXFE | TXFE);
  expect(loadAt(0, bell + RIS)).toBe(0);
  expect(loadAt(0, bell)).toBe(0);
  store(0, bell, 0x41);
  expect(loadAt(0, bell + RIS)).toBe(TX);
  expect([0, 4, 8, 12].map((at) => loadAt(0, bell + 0xfe0 + at))).toEqual([0x11, 0x10, 0x34, 0]);
});

test('the bell interrupts by a line of its own, so that who shares none may have a console open beside it', () => {
  const machine = createMachineOfGuests([{ disks, cores: [1] }]);
  // The board's controller (BCM2835, 7.5): its enable register stands as it is written here.
  const [PENDING_2, ENABLE_2] = [0x3f00_b208, 0x3f00_b214];
  const [GPU_58, GPU_60, CR, IMSC, TX] = [1 << 26, 1 << 28, 0x30, 0x38, 1 << 5];
  const bell = L.NEAR_UARTS + 8 * 0x1000;
  const console = L.NEAR_UARTS;
  const send = (port: number): void => {
    machine.store(0, port + CR, 0x301);
    machine.store(0, port + IMSC, TX);
    machine.store(0, port, 0x41);
  };
  machine.store(0, ENABLE_2, GPU_60);
  send(bell);
  expect([machine.line(0), machine.load(0, PENDING_2)]).toEqual([false, 0]);
  machine.store(0, ENABLE_2, GPU_58 | GPU_60);
  expect([machine.line(0), machine.load(0, PENDING_2)]).toEqual([true, GPU_58]);
  send(console);
  expect(machine.load(0, PENDING_2)).toBe(GPU_58 | GPU_60);
  machine.store(0, bell + IMSC, 0);
  expect([machine.line(0), machine.load(0, PENDING_2)]).toEqual([true, GPU_60]);
});

test('the hypervisor has a network card’s address and whether it is isolated in its own configuration', () => {
  const mac = Uint8Array.of(0x52, 0x54, 0, 0xa1, 0xb2, 0xc3);
  const { hypervisor } = smallImage(idle, [
    guest(idle, { disks }),
    guest(idle, { name: 'b', network: { mac, isolated: true } }),
  ]);
  const at = hypervisor.symbols.get('configuration')! - hypervisor.symbols.get('vectors')!;
  const words = new DataView(hypervisor.image.buffer, hypervisor.image.byteOffset + at);
  const word = (port: number, n: number): number =>
    words.getUint32(4 * (L.CONFIG_HEADER + (L.VMS - 1) * L.GUEST_WORDS + port * L.PORT_WORDS + n), true);
  // The uplink, the first guest's disk, the card.
  expect([0, 1, 2].map((port) => word(port, L.PORT_FLAGS))).toEqual([0, 0, C.FLAG_ISOLATED]);
  expect([0, 1, 2].map((port) => word(port, L.PORT_MAC))).toEqual([0, 0, 0xa1_00_54_52]);
  expect([0, 1, 2].map((port) => word(port, L.PORT_MAC + 1))).toEqual([0, 0, 0xc3b2]);
});
