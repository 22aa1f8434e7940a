/** The file on the card: start code, the hypervisor linked for its place in memory, and what its machines begin with. */
import { readU32LE } from '../../base/bytes.js';
import { HypberryError } from '../../base/errors.js';
import { CORES, PERIPHERAL_BASE } from '../../board/bcm2836.js';
import { LOGS, LOG_SIZE, MOST_PORTS } from '../../channel/layout.js';
import type { ChannelDisk, ChannelNetwork, ChannelPlan, ChannelPort } from '../../channel/ports.js';
import { planChannel, planPorts } from '../../channel/ports.js';
import { channelRecords } from '../../channel/records.js';
import { plain, withDiagnostics } from '../hypervisor-code.js';
import type { HypervisorDescription, VcpusDescription } from './description.js';
import { OWN_CONSOLE } from './description.js';
import * as L from '../shared/layout.js';
import { COPY_STEP as STEP } from '../shared/layout.js';
import { SAVED_WORD } from '../shared/saved-registers.js';
import type { Part } from '../assembly/start.js';
import { startCode } from '../assembly/start.js';
import { FAULTS, TRAPS } from '../assembly/vectors.js';
import { relocate, type HypervisorCode } from './relocatable.js';

/** What second stages map at once; machines' memory begins and ends at multiples of it. */
export const BLOCK = 0x20_0000;
/** What the hypervisor itself takes, at the top of the ARM's memory. */
export const OWN_MEMORY = BLOCK;
/** The most vcpus a guest can have: the cores of a Pi 2, each of which may have one. */
const MOST_VCPUS = 4;

/** A file of a guest's, and where in its memory it is put (bytes from the beginning, a multiple of 32). */
export interface GuestFile {
  readonly data: Uint8Array;
  readonly offset: number;
}

export interface GuestPlan {
  /** 1 to 15 lower case letters, digits and hyphens. */
  readonly name: string;
  /** Bytes, a multiple of {@link BLOCK}. */
  readonly memory: number;
  /** Its kernel, and the guest-physical address that is entered; unless given, its first byte. */
  readonly kernel?: GuestFile;
  readonly entry?: number;
  /** In its place, whole pages that the guest reads from address 0 on, where it begins. */
  readonly firmware?: Uint8Array;
  readonly initramfs?: GuestFile;
  /** It does not go over a boundary of 1 MiB. */
  readonly tree: GuestFile;
  /** The core of each of its vcpus; not the host's. */
  readonly cores: readonly number[];
  /** The version of its virtio devices' registers (virtio 1.2, 4.2.2): 1 is the legacy one; 2 unless told otherwise. */
  readonly virtio?: 1 | 2;
  readonly disks?: readonly ChannelDisk[];
  readonly network?: ChannelNetwork;
  /** Whether it begins with the hypervisor; it does unless told otherwise. */
  readonly autostart?: boolean;
}

/** Where the channel is, and its ports. */
export interface ChannelPlace extends ChannelPlan {
  /** Physical address, a multiple of {@link BLOCK}. */
  readonly address: number;
}

export interface HypervisorPlan {
  /** Bytes of memory that the ARM has, from address 0. */
  readonly armMemory: number;
  /** Cores of the host: 0 up to this one, which is the guests' first. */
  readonly hostCores: number;
  readonly hostKernel: Uint8Array;
  /** At most 7. */
  readonly guests: readonly GuestPlan[];
  /** It says on the board's serial port how far it came, until the host's kernel begins, and its own faults at any time. */
  readonly diagnostics?: boolean | undefined;
}

export interface HypervisorImage {
  /** What the firmware loads as kernel, to be entered in HYP mode. */
  readonly file: Uint8Array;
  /** Where the host's memory ends. */
  readonly hostEnd: number;
  /** Where the start puts the copies of the guests' files and, behind them, the hypervisor; where that ends. */
  readonly copies: number;
  readonly end: number;
  /** The memory of each guest: physical address of its first byte. */
  readonly guestMemory: readonly number[];
  readonly channel: ChannelPlace;
  /** What the file says about itself. */
  readonly description: HypervisorDescription;
  /** The hypervisor itself. */
  readonly hypervisor: HypervisorCode;
}

/** Where firmware loads a kernel. */
const LOADED_AT = 0x8000;

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** The hypervisor's code with a configuration, linked for an address. */
function link(origin: number, configuration: readonly number[], diagnostics: boolean): HypervisorCode {
  const code = relocate(diagnostics ? withDiagnostics : plain, origin);
  const view = new DataView(code.image.buffer);
  const at = code.symbols.get('configuration')! - origin;
  configuration.forEach((word, i) => {
    view.setUint32(at + 4 * i, word, true);
  });
  return code;
}

function refuse(code: string, what: string, hint: string): never {
  throw new HypberryError(`hypervisor.${code}`, what, hint);
}

const NAME = /^[a-z0-9-]{1,15}$/;

function check({ hostCores, guests, armMemory }: HypervisorPlan): void {
  if (hostCores < 1 || hostCores >= CORES)
    refuse('cores', `The host is to have ${hostCores} cores.`, 'Give it 1 to 3.');
  if (guests.length > L.VMS - 1)
    refuse('guests', `There are ${guests.length} guests.`, `Have at most ${L.VMS - 1}.`);
  guests.forEach(({ name }, i) => {
    if (!NAME.test(name))
      refuse('name', `A guest is to be called "${name}".`, 'Take 1 to 15 of a to z, 0 to 9 and "-".');
    if (name === OWN_CONSOLE || guests.findIndex((it) => it.name === name) < i)
      refuse('name', `The name ${name} is taken.`, 'Give the guest another one.');
  });
  for (const { name, memory, cores, firmware } of guests) {
    if (firmware && (firmware.length % PAGE !== 0 || firmware.length > BLOCK))
      refuse(
        'firmware',
        `${name}'s firmware has ${firmware.length} bytes.`,
        'Give it whole pages, 2 MiB at most.',
      );
    if (memory <= 0 || memory % BLOCK !== 0)
      refuse('memory', `${name} is to have ${memory} bytes of memory.`, 'Give it a multiple of 2 MiB.');
    if (cores.length < 1 || cores.length > MOST_VCPUS || cores.some((it) => it < hostCores || it >= CORES))
      refuse('cores', `${name} is to run on cores ${cores.join()}.`, "Name cores that are not the host's.");
  }
  const vcpus = guests.reduce((sum, { cores }) => sum + cores.length, 0);
  if (vcpus > L.VCPUS - CORES)
    refuse('vcpus', `The guests have ${vcpus} virtual CPUs.`, `Have at most ${L.VCPUS - CORES}.`);
  for (const { name, disks = [], network } of guests) {
    const devices = disks.length + (network ? 1 : 0);
    // One slot is for random bytes.
    if (devices > L.VIRTIO_SLOTS - 1)
      refuse(
        'ports',
        `${name} is to have ${devices} disks and network cards.`,
        `Give it at most ${L.VIRTIO_SLOTS - 1}.`,
      );
  }
  const ports = planPorts(guests).ports.length;
  if (ports > MOST_PORTS)
    refuse(
      'ports',
      `The guests have ${ports} disks and network cards, the host's end of the network counted.`,
      `Have at most ${MOST_PORTS}.`,
    );
  if (armMemory > PERIPHERAL_BASE)
    refuse('memory', 'The memory reaches into the peripherals.', 'Give what the ARM has.');
}

interface Copy {
  readonly data: Uint8Array;
  /** Where in the guest's memory it is put; firmware is not. */
  readonly offset: number;
  /** Where the copy stands, from the beginning of all. */
  readonly at: number;
}

/** Behind all memory: nothing of it is put there. */
const NOWHERE = 0xffff_ffff;
/** Firmware is seen where its copy stands. */
const PAGE = 0x1000;

/**
 * Copies of the guests' files, which are kept, as a restart takes them again: three of each guest, and the bytes of all.
 * Firmware is first: its pages are its guest's alone.
 */
function copiesOf(guests: readonly GuestPlan[]): { readonly copies: readonly Copy[]; readonly size: number } {
  let size = 0;
  const copy = (data: Uint8Array, offset: number): Copy => {
    const at = size;
    size += roundUp(data.length, STEP);
    return { data, offset, at };
  };
  const firmware = new Map(guests.map((it) => [it, it.firmware && copy(it.firmware, NOWHERE)] as const));
  const copies = guests.flatMap((it) => [
    firmware.get(it) ?? copy(it.kernel!.data, it.kernel!.offset),
    copy(it.initramfs?.data ?? new Uint8Array(), it.initramfs?.offset ?? 0),
    copy(it.tree.data, it.tree.offset),
  ]);
  return { copies, size };
}

/** Bytes of a guest's kernel or firmware, and of its initramfs. */
export const bytesOfFiles = ({ kernel, firmware, initramfs }: GuestPlan): number =>
  (firmware ?? kernel!.data).length + (initramfs?.data.length ?? 0);

/**
 * Whose the memory is, from its end down: the hypervisor's own, the copies of the guests' files, the channel, the guests'
 * memory, perhaps some that nobody can use ({@link endOfHost}), the host's.
 * @returns addresses: each begins where the one below it ends
 */
export function divideMemory(
  armMemory: number,
  guests: readonly GuestPlan[],
): {
  readonly end: number;
  readonly origin: number;
  readonly copies: number;
  readonly channel: ChannelPlace;
  readonly guestMemory: readonly number[];
  readonly hostEnd: number;
} {
  const end = Math.floor(armMemory / BLOCK) * BLOCK;
  const origin = end - OWN_MEMORY;
  const copies = origin - roundUp(copiesOf(guests).size, BLOCK);
  const planned = planChannel(guests);
  const channel = { ...planned, address: copies - planned.size };
  let lowest = channel.address;
  const guestMemory = guests.map(({ memory }) => (lowest -= memory));
  return { end, origin, copies, channel, guestMemory, hostEnd: endOfHost(lowest) };
}

/**
 * Builds the file that the firmware is to load as kernel.
 * @throws HypberryError `hypervisor.name`, `.cores`, `.guests`, `.vcpus`, `.ports`, `.memory`, `.firmware` where the plan cannot be
 */
export function buildHypervisor(plan: HypervisorPlan): HypervisorImage {
  check(plan);
  const { armMemory, hostCores, hostKernel, guests, diagnostics = false } = plan;
  const { end, origin, copies, channel, guestMemory, hostEnd } = divideMemory(armMemory, guests);
  const placed = copiesOf(guests).copies.map(({ data, offset, at }) => ({ data, offset, to: copies + at }));
  if (hostEnd < BLOCK) refuse('memory', 'No memory is left for the host.', 'Give the guests less.');

  const { ports } = channel;
  const configuration = [
    ...[hostEnd, end, hostCores, guests.length, hostKernel.length, copies],
    ...[channel.address, channel.size, ports.length, channel.address + LOGS],
  ];
  guests.forEach(({ memory, cores, kernel, entry, virtio = 2, autostart = true }, i) => {
    const record = new Array<number>(L.GUEST_WORDS).fill(0);
    record[L.GUEST_MEMORY] = guestMemory[i]!;
    record[L.GUEST_MEMORY_SIZE] = memory;
    [L.GUEST_KERNEL, L.GUEST_INITRAMFS, L.GUEST_TREE].forEach((at, n) => {
      const { data, offset, to } = placed[3 * i + n]!;
      if (offset !== NOWHERE && offset + roundUp(data.length, STEP) > memory)
        refuse('memory', `${guests[i]!.name}'s files do not fit its memory`, 'Give it more.');
      record[at] = to;
      record[at + 1] = data.length;
      record[at + 2] = offset;
    });
    record[L.GUEST_VCPUS] = cores.length;
    record[L.GUEST_VIRTIO] = virtio;
    record[L.GUEST_AUTOSTART] = autostart ? 1 : 0;
    record[L.GUEST_ENTRY] = entry ?? (kernel ? L.GUEST_RAM + kernel.offset : 0);
    cores.forEach((core, n) => (record[L.GUEST_CORES + n] = core));
    nameWords(guests[i]!.name).forEach((word, n) => (record[L.GUEST_NAME + n] = word));
    configuration.push(...record);
  });
  configuration.push(...new Array<number>((L.VMS - 1 - guests.length) * L.GUEST_WORDS).fill(0));
  for (const port of ports) configuration.push(...portRecord(port, channel.address));
  const hypervisor = link(origin, configuration, diagnostics);
  if (hypervisor.symbols.get('zeroTo')! > end) throw new Error('the hypervisor does not fit its memory');
  const code = hypervisor.image.subarray(0, hypervisor.symbols.get('zeroFrom')! - origin);

  const description = describe(plan, hostEnd, guestMemory, channel.address + LOGS, hypervisor.symbols);
  const descriptionBytes = new TextEncoder().encode(JSON.stringify(description));
  const contents = [
    { data: code, to: origin },
    ...placed.filter(({ data }) => data.length > 0),
    { data: channelRecords(channel), to: channel.address },
  ];
  const layOut = (first: number): { parts: Part[]; hostAt: number } => {
    let offset = first;
    const parts = contents.map(({ data, to }) => {
      const part = { offset, to, bytes: data.length };
      offset += roundUp(data.length, STEP);
      return part;
    });
    return { parts, hostAt: offset };
  };
  const entry = hypervisor.symbols.get('entry')!;
  const none = { offset: 0, bytes: 0 };
  const at = {
    offset: startCode(layOut(0).parts, entry, none, none, end, diagnostics).length,
    bytes: descriptionBytes.length,
  };
  const { parts, hostAt } = layOut(roundUp(at.offset + at.bytes, STEP));
  const file = new Uint8Array(hostAt + hostKernel.length);
  file.set(startCode(parts, entry, { offset: hostAt, bytes: hostKernel.length }, at, end, diagnostics));
  file.set(descriptionBytes, at.offset);
  parts.forEach(({ offset }, i) => {
    file.set(contents[i]!.data, offset);
  });
  file.set(hostKernel, hostAt);
  if (LOADED_AT + file.length > channel.address)
    refuse(
      'memory',
      `the file, of ${file.length} bytes, reaches to where its parts go`,
      'Have smaller guests.',
    );
  return { file, hostEnd, copies, end, guestMemory, channel, description, hypervisor };
}

/**
 * Where the host's memory is to end, at the latest at `hostEnd`. Linux puts its area for contiguous allocations (CMA)
 * at the top of memory, and cannot use one that lies on both sides of where high memory begins: there an end less than
 * its size above is brought down. The size is that of the trees for the Pi 2; where high memory begins depends on the
 * kernel: 0x2f80_0000 up to Linux 4.0, 0x3000_0000 since (arch/arm/mm/mmu.c, adjust_lowmem_bounds).
 */
export function endOfHost(hostEnd: number): number {
  return hostEnd > HIGH_MEMORY.earliest && hostEnd < HIGH_MEMORY.latest + CMA_SIZE
    ? HIGH_MEMORY.earliest
    : hostEnd;
}
const HIGH_MEMORY = { earliest: 0x2f80_0000, latest: 0x3000_0000 } as const;
/** Of the area for contiguous allocations. */
export const CMA_SIZE = 0x400_0000;

function describe(
  { armMemory, hostCores, hostKernel, guests }: HypervisorPlan,
  hostEnd: number,
  guestMemory: readonly number[],
  logs: number,
  symbols: HypervisorCode['symbols'],
): HypervisorDescription {
  const uarts = symbols.get('uarts')!;
  return {
    version: 1,
    armMemory,
    hostEnd,
    hostCores,
    hostKernel: hostKernel.length,
    guests: guests.map(({ name, memory, cores }, i) => ({ name, memory, physical: guestMemory[i]!, cores })),
    consoles: [OWN_CONSOLE, ...guests.map(({ name }) => name)].map((name, i) => ({
      name,
      log: logs + i * LOG_SIZE,
      size: LOG_SIZE,
      written: uarts + (2 * i + 1) * L.UART_SIZE + L.UART_PUT,
    })),
    vcpus: describeVcpus((symbol) => symbols.get(symbol)!),
  };
}

function describeVcpus(addressOf: (symbol: string) => number): VcpusDescription {
  const [vectors, leaving] = [addressOf('vectors'), addressOf('leaving')];
  return {
    vectors,
    at: addressOf('vcpus'),
    size: L.VCPU_SIZE,
    registers: Object.fromEntries([...SAVED_WORD].map(([name, word]) => [name, L.VCPU_SAVED + 4 * word])),
    vfp: L.VCPU_VFP,
    state: L.VCPU_STATE,
    states: {
      ...{ runnable: L.RUNNABLE, waiting: L.WAITING, stopped: L.STOPPED, starting: L.STARTING },
      ...{ claimed: L.CLAIMED, paused: L.PAUSED, loading: L.LOADING },
    },
    cores: addressOf('stacks') + L.STACK_SIZE - L.CORE_SIZE,
    coreSize: L.STACK_SIZE,
    loaded: L.CORE_LOADED,
    loadedVfp: L.CORE_VFP,
    untouched: [
      ...TRAPS.map((_, i) => vectors + 4 * (FAULTS.length + i)),
      ...TRAPS.map((name) => addressOf(`enter.${name}`)),
      ...[leaving, leaving + 4],
    ],
    left: leaving + 4,
    loading: [addressOf('loadVcpu'), addressOf('takeAborts')],
  };
}

/** A port's record, of a channel at an address. */
function portRecord({ kind, flags, guest, data, dataSize, mac }: ChannelPort, channel: number): number[] {
  const record = new Array<number>(L.PORT_WORDS).fill(0);
  record[L.PORT_KIND] = kind;
  record[L.PORT_FLAGS] = flags;
  record[L.PORT_GUEST] = guest;
  record[L.PORT_DATA] = channel + data;
  record[L.PORT_DATA_SIZE] = dataSize;
  const bytes = new Uint8Array(8);
  bytes.set(mac ?? []);
  record[L.PORT_MAC] = readU32LE(bytes, 0);
  record[L.PORT_MAC + 1] = readU32LE(bytes, 4);
  return record;
}

/** A name as words of a record: as many as it has room for, the rest NUL. */
function nameWords(name: string): number[] {
  const bytes = new Uint8Array(L.GUEST_NAME_SIZE);
  bytes.set(new TextEncoder().encode(name));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: L.GUEST_NAME_SIZE / 4 }, (_, i) => view.getUint32(4 * i, true));
}
