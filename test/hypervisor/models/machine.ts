/**
 * The hypervisor's body as WebAssembly in Node, its imports faked: registers of cores, the board's local controller,
 * and what is written in assembler. Guests are what a test has them do: each access to a device comes as the trap that
 * the second stage makes of it.
 */
import { bits } from '../../../src/isa/bits.js';
import { EC_CP15, EC_CP15_64, EC_DATA_LOWER, EC_HVC, EC_WFI } from '../../../src/cpu/exceptions.js';
import * as reg from '../../../src/isa/system-registers.js';
import { CORES } from '../../../src/board/bcm2836.js';
import { INTERRUPT_CONTROLLER_BASE } from '../../../src/board/interrupt-controller.js';
import { LOCAL_BASE, LOCAL_REGISTERS, LOCAL_SOURCE } from '../../../src/board/local-peripherals.js';
import { fieldOf, type Register } from '../../../src/board/register.js';
import { Rng, RNG_BASE } from '../../../src/board/rng.js';
import { SYSTEM_TIMER_BASE, SYSTEM_TIMER_REGISTERS } from '../../../src/board/system-timer.js';
import * as L from '../../../src/hypervisor/shared/layout.js';
import { channelRecords } from '../../../src/channel/records.js';
import type { GuestPlan, HypervisorImage } from '../../../src/hypervisor/image/image.js';
import { BLOCK, buildHypervisor } from '../../../src/hypervisor/image/image.js';
import { SAVED_WORD } from '../../../src/hypervisor/shared/saved-registers.js';
import { hypervisorBase64 } from '../../../src/hypervisor/hypervisor-binary.js';
import { systemRegisterTable } from '../../../src/translate/intrinsics.js';
import { ARM_MEMORY, GUEST_RAM, guest, quietHost } from '../payloads.js';

/** WebAssembly's JavaScript side, which TypeScript's libraries for Node leave out. */
interface Engine {
  Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Body };
}
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

interface Body {
  trap(vcpu: number): number;
  irq(vcpu: number): number;
  fiq(vcpu: number): number;
  beginCore(index: number, tree: number, kernel: number): number;
  prepare(tree: number, kernel: number, file: number): number;
}

/** All that 32 bits reach: what the body was compiled for. */
const PAGES = 0x1_0000;
/** Where the hypervisor has no memory, for the host's kernel: never read. */
const HOST_KERNEL = 0x8000;
const SECONDARY_ENTRY = 0x1234;
/** HYP mode's windows on guests' memory, one for each core. */
const WINDOWS = 0x4100_0000;

/** Where a guest's tree is in its memory, where a test has one. */
export const TREE_OFFSET = 0x1_0000;
const CLOCK = SYSTEM_TIMER_BASE + SYSTEM_TIMER_REGISTERS.CLO.offset;
const isRng = (address: number): boolean => address >>> PAGE_BITS === RNG_BASE >>> PAGE_BITS;

const { TIMERS_ROUTING, IRQ_SOURCE, FIQ_SOURCE, MAILBOX_SET, MAILBOX_CLR } = LOCAL_REGISTERS;
/** Peripherals are told apart by their pages. */
const PAGE_BITS = 12;
const CONTROLLERS = [LOCAL_BASE >>> PAGE_BITS, INTERRUPT_CONTROLLER_BASE >>> PAGE_BITS];
/** What a core may have begun with before the hypervisor was entered: any of the host's. */
const HOSTS = -1;
const { CNTHPIRQ, CNTVIRQ } = LOCAL_SOURCE;
/** Of a core's sources (QA7, 4.10): its mailbox 1. */
const SOURCE_MAILBOX1 = 1 << 5;
/** Whether an offset from the local controller's base is in a group of registers. */
const isIn = ({ offset, count, stride }: Register, at: number): boolean =>
  at >= offset && at < offset + count * stride;

const CTL = bits(reg.CNTV_CTL, { ENABLE: 1 });
const CTL_MASKED = bits(reg.CNTV_CTL, { ENABLE: 1, IMASK: 1 });
const ISTATUS = bits(reg.CNTV_CTL, { ISTATUS: 1 });
const HCR_VI = bits(reg.HCR, { VI: 1 });

// HSR (ARM ARM B3.13.6).
const EC = (value: number): number => value << 26;
const IL = 1 << 25;
const ISV = 1 << 24;
const ALWAYS = 0xe << 20;
const TRANSLATION_FAULT = 0x06;
const SVC_MASKED = 0x1d3;

/** Nobody wants the core, and nothing will change that. */
class Asleep extends Error {}

/** One core's registers, by name. */
type Registers = Map<string, bigint>;

export interface Machine {
  readonly memory: DataView;
  readonly image: HypervisorImage;
  /** Address of a symbol of the hypervisor's. */
  readonly symbol: (name: string) => number;
  /** Ticks of the system counter since the beginning. */
  readonly time: () => bigint;
  /** Lets time go by; cores take their interrupts. */
  readonly advance: (ticks: number) => void;
  /** The vcpu that a core runs: its place in the list of all. */
  readonly running: (core: number) => number;
  /** Whether a core sleeps, for nobody wants it. */
  readonly asleep: (core: number) => boolean;
  /** How many interrupts a core has taken in HYP mode. */
  readonly interrupts: (core: number) => number;
  /** Whether the running vcpu's virtual IRQ is up. */
  readonly line: (core: number) => boolean;
  /** A load by the vcpu that runs on a core, in bytes of size 1, 2 or 4. */
  readonly load: (core: number, address: number, size?: number) => number;
  readonly store: (core: number, address: number, value: number, size?: number) => void;
  /** HVC with R0 to R3; gives R0 of the same vcpu afterwards. */
  readonly hvc: (core: number, ...args: readonly number[]) => number;
  readonly wfi: (core: number) => void;
  /** Any other trap, by its HSR. */
  readonly trap: (core: number, hsr: number) => void;
  /**
   * Has something happen between two instructions of the hypervisor's: before the next intrinsic of that name, at that
   * address where one is given.
   */
  readonly meanwhile: (
    intrinsic: 'dmb' | 'dmbIsh' | 'fetchOr' | 'compareExchange' | 'store64',
    what: () => void,
    at?: number,
  ) => void;
  /** Reads a trapped register of the physical timer's: CNTP_TVAL, CNTP_CTL. */
  readonly readTimer: (core: number, which: 'TVAL' | 'CTL') => number;
  readonly writeTimer: (core: number, which: 'TVAL' | 'CTL', value: number) => void;
  /** CNTPCT, as a trapped read gives it. */
  readonly physicalCount: (core: number) => bigint;
  /** A register of a core. */
  readonly get: (core: number, name: string) => bigint;
  readonly set: (core: number, name: string, value: bigint) => void;
  /** General register n of the vcpu that a core runs. */
  readonly register: (core: number, n: number) => number;
  /** Where it goes on. */
  readonly pc: (core: number) => number;
}

/**
 * Makes one: a host on core 0, and guests on cores 1 to 3.
 * @param cores for each guest, the cores of its CPUs
 */
export function createMachine(...cores: readonly (readonly number[])[]): Machine {
  return createMachineWith(Buffer.from(hypervisorBase64, 'base64'), ...cores);
}

/** The same with another body. */
export function createMachineWith(binary: Uint8Array, ...cores: readonly (readonly number[])[]): Machine {
  return createMachineOf(binary, 1, cores);
}

/** The same with a host of two cores, which has started both. */
export function createMachineOfTwo(...cores: readonly (readonly number[])[]): Machine {
  return createMachineOf(Buffer.from(hypervisorBase64, 'base64'), 2, cores);
}

/** The same with guests' trees of a test's own, and the board's generator of random numbers; null for one that gives none. */
export function createMachineWithTree(
  tree: Uint8Array,
  generator: Rng | null,
  ...cores: readonly (readonly number[])[]
): Machine {
  const guests = cores.map((it) => ({ cores: it, tree: { data: tree, offset: TREE_OFFSET } }));
  return createMachineOfGuests(guests, 1, undefined, generator);
}

function createMachineOf(
  binary: Uint8Array,
  hostCores: number,
  cores: readonly (readonly number[])[],
): Machine {
  const guests = cores.map((it) => ({ cores: it }));
  return createMachineOfGuests(guests, hostCores, binary);
}

/** The same of guests with more than cores. */
export function createMachineOfGuests(
  guests: readonly Partial<GuestPlan>[],
  hostCores = 1,
  binary: Uint8Array = Buffer.from(hypervisorBase64, 'base64'),
  generator: Rng | null = new Rng(1),
): Machine {
  const image = buildHypervisor({
    armMemory: ARM_MEMORY,
    hostCores,
    hostKernel: quietHost,
    guests: guests.map((it, i) => guest(new Uint8Array(32), { name: `guest-${i}`, ...it })),
  });
  const { symbols, image: code } = image.hypervisor;
  const symbol = (name: string): number => symbols.get(name) ?? SECONDARY_ENTRY;
  const wasm = new engine.Memory({ initial: PAGES, maximum: PAGES });
  const memory = new DataView(wasm.buffer);
  const bytes = new Uint8Array(wasm.buffer);
  bytes.set(code.subarray(0, symbol('zeroFrom') - symbol('vectors')), symbol('vectors'));
  guests.forEach(({ tree }, i) => {
    const word = L.CONFIG_HEADER + i * L.GUEST_WORDS + L.GUEST_TREE;
    if (tree) bytes.set(tree.data, memory.getUint32(symbol('configuration') + 4 * word, true));
  });

  const { channel } = image;
  bytes.set(channelRecords(channel), channel.address);

  const isHosts = (core: number): boolean => core < hostCores;
  let here = 0;
  /** Something happens while another core is in the hypervisor. */
  let inside = false;
  let time = 1000n;
  /** Microseconds; whoever waits for the system timer does not wait for ever. */
  let clock = 0;
  const registers: Registers[] = Array.from({ length: CORES }, () => new Map<string, bigint>());
  const routing = new Array<number>(CORES).fill(0);
  const mailboxes = Array.from({ length: CORES }, () => [0, 0, 0, 0]);
  const board = new Map<number, number>();
  const current = new Array<number>(CORES).fill(0);
  const sleeping = new Array<boolean>(CORES).fill(false);
  const interrupts = new Array<number>(CORES).fill(0);

  const u32 = (value: number | bigint): number => Number(BigInt.asUintN(32, BigInt(value)));
  const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
  const of = (core: number, name: string): bigint => registers[core]!.get(name) ?? 0n;

  const virtualFires = (core: number): boolean =>
    (u32(of(core, 'CNTV_CTL')) & CTL_MASKED) === CTL &&
    u64(time - of(core, 'CNTVOFF')) >= u64(of(core, 'CNTV_CVAL'));
  const hypFires = (core: number): boolean =>
    (u32(of(core, 'CNTHP_CTL')) & CTL_MASKED) === CTL && time >= u64(of(core, 'CNTHP_CVAL'));
  const sources = (core: number): number =>
    (hypFires(core) ? CNTHPIRQ : 0) |
    (virtualFires(core) ? CNTVIRQ : 0) |
    (mailboxes[core]![1] ? SOURCE_MAILBOX1 : 0);
  const irqs = (core: number): number =>
    sources(core) &
    (fieldOf(routing[core]!, TIMERS_ROUTING.bits.IRQ) | (isHosts(core) ? 0 : SOURCE_MAILBOX1));
  const fiqs = (core: number): number =>
    sources(core) &
    (fieldOf(routing[core]!, TIMERS_ROUTING.bits.FIQ) | (isHosts(core) ? SOURCE_MAILBOX1 : 0));

  // Accesses to different peripherals may overtake each other, and a doorbell what it is rung for: a DSB is between
  // (BCM2835 ARM Peripherals, 1.3; DDI 0406C A3.8.2).
  const lastPage = new Array<number | undefined>(CORES).fill(undefined);
  const unordered = new Array<boolean>(CORES).fill(false);
  const reach = (address: number): void => {
    const page = address >>> PAGE_BITS;
    if (lastPage[here] !== undefined && lastPage[here] !== page)
      throw new Error(`core ${here} reaches ${address.toString(16)} without a DSB after another peripheral`);
    lastPage[here] = page;
  };
  const published = (): void => {
    unordered[here] = true;
  };

  const readDevice = (address: number): number => {
    reach(address >>> 0);
    const at = (address >>> 0) - LOCAL_BASE;
    const core = (at >> 2) & 3;
    if (isIn(TIMERS_ROUTING, at)) return routing[core]!;
    if (isIn(IRQ_SOURCE, at)) return irqs(core);
    if (isIn(FIQ_SOURCE, at)) return fiqs(core);
    if (isIn(MAILBOX_CLR, at)) return mailboxes[(at >> 4) & 3]![core]!;
    if (address >>> 0 === CLOCK) return (clock += 1000);
    if (isRng(address)) return generator?.read((address >>> 0) - RNG_BASE) ?? 0;
    return board.get(address >>> 0) ?? 0;
  };
  const writeDevice = (address: number, value: number): void => {
    reach(address >>> 0);
    const at = (address >>> 0) - LOCAL_BASE;
    const core = (at >> 2) & 3;
    if (isIn(TIMERS_ROUTING, at)) routing[core] = value;
    else if (isIn(MAILBOX_SET, at)) {
      if (unordered[here]) throw new Error(`core ${here} rings without a DSB after what it rings for`);
      mailboxes[(at >> 4) & 3]![core]! |= value;
    } else if (isIn(MAILBOX_CLR, at)) mailboxes[(at >> 4) & 3]![core]! &= ~value;
    else if (isRng(address)) generator?.write((address >>> 0) - RNG_BASE, value);
    else board.set(address >>> 0, value >>> 0);
  };

  const readRegister = (name: string): bigint => {
    switch (name) {
      case 'HTPIDR':
        return BigInt(symbol('stacks') + (here + 1) * L.STACK_SIZE - L.CORE_SIZE);
      case 'CNTPCT':
        return time;
      case 'CNTV_CTL': {
        const control = u32(of(here, name)) & CTL_MASKED;
        const met = (control & CTL) !== 0 && u64(time - of(here, 'CNTVOFF')) >= u64(of(here, 'CNTV_CVAL'));
        return BigInt(control | (met ? ISTATUS : 0));
      }
    }
    return of(here, name);
  };
  const writeRegister = (name: string, value: bigint): void => {
    if (name === 'CNTHP_TVAL') registers[here]!.set('CNTHP_CVAL', u64(time + BigInt.asIntN(32, value)));
    else registers[here]!.set(name, value);
  };

  /** Registers that the world switch moves, as far as the models know them: word, name, words. */
  const SWITCHED = (
    [
      ...(['ELR_hyp', 'SPSR_hyp', 'SCTLR', 'CNTV_CTL', 'CNTV_CVAL', 'CNTVOFF', 'VMPIDR', 'HCR'] as const),
    ] as const
  ).map((name) => [SAVED_WORD.get(name)!, name, systemRegisterTable.get(name)?.size === 64 ? 2 : 1] as const);
  const nothing = (): undefined => undefined;
  let between:
    { readonly intrinsic: string; readonly what: () => void; readonly at: number | undefined } | undefined;
  const beforeIt = (intrinsic: string, at = 0): void => {
    if (between?.intrinsic !== intrinsic || (between.at ?? at >>> 0) !== at >>> 0) return;
    const [{ what }, core] = [between, here];
    between = undefined;
    inside = true;
    what();
    inside = false;
    here = core;
  };
  /** Where an address of HYP mode's is: in a core's window on a guest's memory, or where it says. */
  const physical = (address: number): number => {
    const at = address >>> 0;
    if (at < WINDOWS || at >= WINDOWS + CORES * BLOCK) return at;
    const descriptor = symbol('hypTables') + 4 * L.TABLE_SIZE + 8 * ((at / BLOCK) & 511);
    return (memory.getUint32(descriptor, true) & -BLOCK) + (at % BLOCK);
  };
  const assembly = {
    clear: (at: number, size: number) => bytes.fill(0, physical(at), physical(at) + size),
    copy: (to: number, from: number, size: number) => {
      // LDM and STM, which want that of all memory (DDI 0406C A3.2.1).
      if ((to | from) & 3) throw new Error(`a copy to ${to.toString(16)} from ${from.toString(16)}`);
      bytes.copyWithin(physical(to), from >>> 0, (from >>> 0) + size);
    },
    move: (to: number, from: number, size: number) => {
      bytes.copyWithin(to >>> 0, from >>> 0, (from >>> 0) + size);
    },
    saveVcpu: (vcpu: number) => {
      for (const [at, name, words] of SWITCHED) {
        const value = of(here, name);
        for (let i = 0; i < words; i++)
          memory.setUint32(vcpu + L.VCPU_SAVED + 4 * (at + i), u32(value >> BigInt(32 * i)), true);
      }
    },
    loadVcpu: (vcpu: number) => {
      for (const [at, name, words] of SWITCHED) {
        let value = 0n;
        for (let i = 0; i < words; i++)
          value |= BigInt(memory.getUint32(vcpu + L.VCPU_SAVED + 4 * (at + i), true)) << BigInt(32 * i);
        registers[here]!.set(name, value);
      }
    },
    takeAborts: () => 0,
    ...{ saveVfp: nothing, loadVfp: nothing, parkVfp: nothing, unparkVfp: nothing },
  };
  const change =
    (next: (old: number, by: number) => number) =>
    (at: number, by: number): number => {
      published();
      const old = memory.getInt32(at >>> 0, true);
      memory.setInt32(at >>> 0, next(old, by), true);
      return old;
    };
  /** `read NAME`, `write NAME`: 64-bit ones come and go as bigints. */
  const named = (): object =>
    new Proxy(
      {},
      {
        get: (__, key) => {
          const [verb, name] = String(key).split(' ') as [string, string];
          const wide = systemRegisterTable.get(name)?.size === 64;
          if (verb === 'read') return () => (wide ? readRegister(name) : u32(readRegister(name)) | 0);
          return (value: number | bigint) => {
            writeRegister(name, wide ? u64(value as bigint) : BigInt(u32(value)));
          };
        },
      },
    );
  const imports = {
    env: { memory: wasm },
    mmio: {
      ...{ read8: readDevice, read16: readDevice, read32: readDevice },
      ...{ write8: writeDevice, write16: writeDevice, write32: writeDevice },
    },
    shared: {
      load8: (at: number) => memory.getUint8(at >>> 0),
      load16: (at: number) => memory.getUint16(at >>> 0, true),
      load32: (at: number) => memory.getInt32(at >>> 0, true),
      load64: (at: number) => memory.getBigInt64(at >>> 0, true),
      store8: (at: number, value: number) => {
        published();
        memory.setUint8(at >>> 0, value);
      },
      store16: (at: number, value: number) => {
        published();
        memory.setUint16(at >>> 0, value, true);
      },
      store32: (at: number, value: number) => {
        published();
        memory.setInt32(physical(at), value, true);
      },
      store64: (at: number, value: bigint) => {
        beforeIt('store64');
        published();
        memory.setBigInt64(at >>> 0, value, true);
      },
    },
    atomic: {
      fetchAdd: change((old, by) => old + by),
      fetchAnd: change((old, by) => old & by),
      fetchOr: (at: number, by: number) => {
        beforeIt('fetchOr');
        return change((old, bits) => old | bits)(at, by);
      },
      compareExchange: (at: number, expected: number, value: number) => {
        beforeIt('compareExchange', at);
        published();
        const old = memory.getInt32(at >>> 0, true);
        if (old === expected) memory.setInt32(at >>> 0, value, true);
        return old;
      },
    },
    barrier: {
      ...{ isb: nothing, sev: nothing, clrex: nothing },
      dsb: () => {
        lastPage[here] = undefined;
        unordered[here] = false;
      },
      // For memory that the cores share alone.
      dsbIsh: () => {
        unordered[here] = false;
      },
      dmbIsh: () => {
        beforeIt('dmbIsh');
      },
      dmb: () => {
        beforeIt('dmb');
      },
      wfe: () => {
        throw new Error('it waits for another core');
      },
      // The core has something to do already, or the test has to bring that about. The host starts its cores at once.
      wfi: () => {
        if (isHosts(here)) {
          mailboxes[here]![3] = HOST_KERNEL;
          return;
        }
        if (irqs(here) === 0) throw new Asleep();
      },
    },
    word: {
      rev: (value: number) =>
        ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24),
    },
    sysreg: named(),
    psr: named(),
    address: new Proxy({}, { get: (_, name) => () => symbol(String(name)) }),
    assembly,
  };
  const body = new engine.Instance(new engine.Module(binary), imports).exports;

  const reachedBefore = (core: number): number | undefined => (isHosts(core) ? HOSTS : lastPage[core]);
  /** Has a core run the body; who goes on is the one that it gives. */
  const enter = (core: number, what: () => number, page: number | undefined): void => {
    here = core;
    lastPage[core] = page;
    try {
      current[core] = what();
      sleeping[core] = false;
    } catch (error) {
      if (!(error instanceof Asleep)) throw error;
      sleeping[core] = true;
    }
  };
  /** Interrupts are taken until there are none. */
  const settle = (): void => {
    if (inside) return;
    for (let again = true, rounds = 0; again; rounds++) {
      if (rounds > 1000) throw new Error('an interrupt never ends');
      again = false;
      for (let core = 0; core < CORES; core++) {
        const taken = isHosts(core) ? fiqs(core) : irqs(core);
        if (taken === 0 || current[core] === 0) continue;
        again = true;
        interrupts[core]!++;
        enter(
          core,
          () => (isHosts(core) ? body.fiq(current[core]!) : body.irq(current[core]!)),
          reachedBefore(core),
        );
        if (isHosts(core)) current[core] = symbol('vcpus') + core * L.VCPU_SIZE;
      }
    }
  };
  const trap = (core: number, hsr: number, page?: number): void => {
    if (sleeping[core]) throw new Error(`core ${core} runs nobody`);
    registers[core]!.set('HSR', BigInt(hsr >>> 0));
    enter(core, () => body.trap(current[core]!), page ?? reachedBefore(core));
    settle();
  };
  const frame = (core: number, n: number): number => current[core]! + 4 * n;
  const access = (core: number, address: number, size: number, write: boolean): void => {
    registers[core]!.set('HPFAR', BigInt((address >>> 12) << 4));
    registers[core]!.set('HDFAR', BigInt(address));
    const sas = Math.log2(size);
    const page = address >>> PAGE_BITS;
    // The host itself has ordered its accesses before it reaches another peripheral.
    const reached = isHosts(core) && CONTROLLERS.includes(page) ? page : undefined;
    trap(
      core,
      EC(EC_DATA_LOWER) | IL | ISV | (sas << 22) | (write ? 1 << 6 : 0) | TRANSLATION_FAULT,
      reached,
    );
  };
  /** CNTP_TVAL and CNTP_CTL: CRn 14, CRm 2; R0. */
  const timer = (core: number, which: 'TVAL' | 'CTL', read: number): void => {
    const opc2 = which === 'TVAL' ? 0 : 1;
    trap(core, EC(EC_CP15) | IL | ISV | ALWAYS | (opc2 << 17) | (14 << 10) | (2 << 1) | read);
  };

  // Every core begins as its part of the start has it; the others have come already.
  body.prepare(0, HOST_KERNEL, HOST_KERNEL);
  memory.setUint32(symbol('arrivals'), CORES - 1, true);
  for (let core = 0; core < CORES; core++) {
    registers[core]!.set('SPSR_hyp', BigInt(SVC_MASKED));
    enter(core, () => body.beginCore(core, 0, HOST_KERNEL), undefined);
    // A core that sleeps has no vcpu yet: the first of its ring, for its interrupts.
    if (sleeping[core]) current[core] = memory.getUint32(u32(readRegister('HTPIDR')) + RING, true);
  }
  settle();
  return {
    memory,
    image,
    symbol,
    time: () => time,
    advance: (ticks) => {
      time += BigInt(ticks);
      settle();
    },
    running: (core) => (current[core]! - symbol('vcpus')) / L.VCPU_SIZE,
    asleep: (core) => sleeping[core]!,
    interrupts: (core) => interrupts[core]!,
    line: (core) => (u32(of(core, 'HCR')) & HCR_VI) !== 0,
    load: (core, address, size = 4) => {
      const vcpu = current[core]!;
      access(core, address, size, false);
      return memory.getUint32(vcpu, true);
    },
    store: (core, address, value, size = 4) => {
      memory.setUint32(frame(core, 0), value, true);
      access(core, address, size, true);
    },
    hvc: (core, ...args) => {
      const vcpu = current[core]!;
      args.forEach((value, n) => {
        memory.setUint32(frame(core, n), value, true);
      });
      trap(core, EC(EC_HVC) | IL);
      return memory.getInt32(vcpu, true);
    },
    wfi: (core) => {
      trap(core, EC(EC_WFI) | IL | ISV | ALWAYS);
    },
    trap,
    meanwhile: (intrinsic, what, at) => {
      between = { intrinsic, what, at };
    },
    readTimer: (core, which) => {
      const vcpu = current[core]!;
      timer(core, which, 1);
      return memory.getUint32(vcpu, true);
    },
    writeTimer: (core, which, value) => {
      memory.setUint32(frame(core, 0), value, true);
      timer(core, which, 0);
    },
    physicalCount: (core) => {
      const vcpu = current[core]!;
      // MRRC of CNTPCT: opc1 0, CRm 14, into R0 and R1.
      trap(core, EC(EC_CP15_64) | IL | ISV | ALWAYS | (1 << 10) | (14 << 1) | 1);
      return memory.getBigUint64(vcpu, true);
    },
    get: (core, name) => of(core, name),
    set: (core, name, value) => {
      registers[core]!.set(name, value);
    },
    register: (core, n) => memory.getUint32(frame(core, n), true),
    pc: (core) => u32(of(core, 'ELR_hyp')),
  };
}

/** Where a core's block says which vcpu is the first of its ring: behind index, loaded and vfp. */
const RING = 12;
/** Where a guest's kernel is entered in these machines. */
export const ENTRY = GUEST_RAM + 0x8000;
