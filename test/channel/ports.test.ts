import { expect, test } from 'vitest';
import * as L from '../../src/channel/layout.js';
import { planChannel, planPorts } from '../../src/channel/ports.js';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const disk = (path: string, readOnly = false): { path: string; size: number; readOnly: boolean } => ({
  ...{ path, size: 1 << 30, readOnly },
});

test('the uplink comes first, then each guest’s network card and disks', () => {
  const { ports } = planPorts([
    { name: 'none' },
    { name: 'web', disks: [disk('/a'), disk('/b', true)], network: { mac, isolated: false } },
    { name: 'db', disks: [disk('/c')] },
  ]);
  expect(ports.map(({ kind, guest, guestName, disk }) => [kind, guest, guestName, disk])).toEqual([
    [L.KIND_UPLINK, 0, '', undefined],
    [L.KIND_NETWORK, 2, 'web', undefined],
    [L.KIND_DISK, 2, 'web', 0],
    [L.KIND_DISK, 2, 'web', 1],
    [L.KIND_DISK, 3, 'db', 0],
  ]);
  expect(ports.map(({ flags }) => flags)).toEqual([0, 0, 0, L.FLAG_READ_ONLY, 0]);
  expect(ports.map(({ path }) => path)).toEqual([undefined, undefined, '/a', '/b', '/c']);
  expect(ports[1]).toMatchObject({ mac });
  expect(planPorts([{ name: 'web', network: { mac, isolated: true } }]).ports[1]!.flags).toBe(
    L.FLAG_ISOLATED,
  );
  expect(ports[2]).toMatchObject({ diskSize: 1 << 30 });
});

test('there is no uplink without a network; a channel there is without either, for the consoles', () => {
  expect(planPorts([{ name: 'db', disks: [disk('/c')] }]).ports.map(({ kind }) => kind)).toEqual([
    L.KIND_DISK,
  ]);
  expect(planChannel([{ name: 'one', memory: 2 << 20, cores: [3] }])).toMatchObject({
    ...{ size: 2 << 20, ports: [] },
  });
});

test('data of ports lie behind control pages, states and logs, one behind the other, in whole blocks of 2 MiB', () => {
  const guests = Array.from({ length: 7 }, (_, i) => ({
    ...{ name: `g${i}`, memory: 2 << 20, cores: [3] },
    disks: [disk('/a'), disk('/b')],
    network: { mac, isolated: true },
  }));
  const { size, ports } = planChannel(guests);
  expect(ports).toHaveLength(22);
  // A page of states, and eight logs of 64 KiB.
  let next = L.CONTROL + L.MOST_PORTS * L.CONTROL_SIZE + 4096 + 8 * 65_536;
  for (const { data, dataSize } of ports) {
    expect(data).toBe(next);
    expect(data % L.RECORD_STEP).toBe(0);
    next += dataSize;
  }
  expect(size % (2 << 20)).toBe(0);
  expect(size - next).toBeGreaterThanOrEqual(0);
  expect(size - next).toBeLessThan(2 << 20);
});
