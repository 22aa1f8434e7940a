/** What silicon does not forgive (ARCHITECTURE.md), as far as the built-in Pi 2 shows it. */
import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { lr, pc, r0, r1, r2, r3, r4, r5, r6, r7 } from '../../src/isa/registers.js';
import { readU32LE } from '../../src/base/bytes.js';
import { EXECUTE, READ, walk, WRITE } from '../../src/cpu/mmu.js';
import { bits } from '../../src/isa/bits.js';
import { DATA_ABORT_ISS } from '../../src/isa/fault-status.js';
import * as reg from '../../src/isa/system-registers.js';
import type { Observe } from '../../src/engine/observer.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image/image.js';
import {
  consoleText,
  GICC,
  guest,
  GUEST_KERNEL,
  GUEST_MEMORY,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  load,
  quietHost,
  smallGuest,
  smallHost,
  smallImage,
  spin,
  switchMmuOn,
} from './payloads.js';
import { ramView } from '../support/ram.js';

const MS = 1_000_000;
const RESULTS = 0x4000;
const PSCI_VERSION = 0x8400_0000;
const CORE = 3;

interface Run {
  readonly pi: BuiltInPi;
  readonly image: HypervisorImage;
  /** Word n of a guest's results. */
  readonly result: (guest: number, n: number) => number;
}

async function start(
  guests: readonly GuestPlan[],
  { host = quietHost, observe }: { host?: Uint8Array; observe?: (image: HypervisorImage) => Observe } = {},
): Promise<Run> {
  const image = smallImage(host, guests);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, observe ? [observe(image)] : []);
  const view = ramView(pi.cpu);
  return {
    pi,
    image,
    result: (guest, n) => view.getUint32(image.guestMemory[guest]! + RESULTS + 4 * n, true),
  };
}

/** A guest that stays where it is at the end. */
const ending = (main: (a: Assembler) => void): Uint8Array =>
  smallGuest((a) => {
    const end = a.label('end');
    main(a);
    a.at(end);
    a.b(end);
  });

/** HYP mode's translation of an address, by anybody's registers, as all cores have the same. */
const translated = (
  { cpu }: BuiltInPi,
  address: number,
): { rights: number; attributes: number; physical: number } => {
  const found = walk(cpu.machine, 'hyp', address, true);
  return { ...found, rights: found.fault ? 0 : found.rights };
};
const PAGE = 0x1000;
const UNCACHED = 0x44;
const WRITE_BACK = 0xff;
const DEVICE = 4;
/** Windows and all other mappings are below. */
const MAPPED_END = 0x4200_0000;

describe('HYP mode’s map (A3.5.7: what is mapped cacheable may be read ahead)', () => {
  const CONTROLLERS = [0x3f00_3000, 0x3f00_b000, 0x4000_0000];

  test('holds the hypervisor’s own memory and its devices, and only code is executable', async () => {
    const { pi, image } = await start([guest(ending(() => undefined))]);
    pi.run(10 * MS);
    const { symbols } = image.hypervisor;
    const at = (symbol: string): number => symbols.get(symbol)!;
    const wanted = (page: number): readonly [rights: number, attributes: number] => {
      if (CONTROLLERS.includes(page)) return [READ | WRITE, DEVICE];
      if (page >= image.copies && page < at('vectors')) return [READ, WRITE_BACK];
      if (page >= at('vectors') && page < at('zeroFrom')) return [READ | EXECUTE, WRITE_BACK];
      if (page >= at('zeroFrom') && page < at('zeroTo')) return [READ | WRITE, WRITE_BACK];
      const { address, size } = image.channel;
      return page >= address && page < address + size ? [READ | WRITE, UNCACHED] : [0, 0];
    };
    const wrong: string[] = [];
    for (let page = 0; page < MAPPED_END; page += PAGE) {
      const { rights, attributes, physical } = translated(pi, page);
      const [mine, its] = wanted(page);
      if (rights !== mine || (rights && (attributes !== its || physical !== page)))
        wrong.push(`${page.toString(16)}: ${rights}, ${attributes.toString(16)}`);
    }
    expect(wrong).toEqual([]);
  });

  test('has a guest’s memory uncached, through a window, for as long as that is made', async () => {
    const windows: { physical: number; attributes: number; address: number }[] = [];
    const { pi, image } = await start([guest(ending(() => undefined))], {
      observe:
        ({ hypervisor }) =>
        (it) => ({
          watch: {
            wants: (physical) => physical === hypervisor.symbols.get('clear'),
            instruction: (core) => {
              const address = core.register(0);
              const { physical, attributes } = translated(it, address);
              windows.push({ physical, attributes, address });
              return false;
            },
          },
        }),
    });
    pi.run(10 * MS);
    const memory = image.guestMemory[0]!;
    // Before, with the MMU off, it has cleared pages of the channel.
    const guests = windows.filter(({ physical }) => physical < image.channel.address);
    expect(guests.map(({ physical, attributes }) => ({ physical, attributes }))).toEqual([
      { physical: memory, attributes: UNCACHED },
      { physical: memory + GUEST_MEMORY / 2, attributes: UNCACHED },
    ]);
    for (const { address } of guests) expect(translated(pi, address).rights).toBe(0);
  });
});

describe('caches', () => {
  const wordOf = (code: (a: Assembler) => void): number => {
    const a = assembler();
    code(a);
    return readU32LE(a.assemble(), 0);
  };
  const [DSB, ISB] = [
    wordOf((a) => {
      a.dsb();
    }),
    wordOf((a) => {
      a.isb();
    }),
  ] as const;
  const [BPIALL, ICIALLU, DCISW, TLBIALLNSNH, TLBIALLNSNHIS] = [
    wordOf((a) => {
      a.mcr(reg.BPIALL, r0);
    }),
    wordOf((a) => {
      a.mcr(reg.ICIALLU, r0);
    }),
    wordOf((a) => {
      a.mcr(reg.DCISW, r0);
    }),
    wordOf((a) => {
      a.mcr(reg.TLBIALLNSNH, r0);
    }),
    wordOf((a) => {
      a.mcr(reg.TLBIALLNSNHIS, r0);
    }),
  ] as const;
  /** Whether two words differ in Rt of MCR at most. */
  const same = (one: number, other: number): boolean => ((one ^ other) & ~0xf000) === 0;
  const words = (bytes: Uint8Array): number[] =>
    Array.from({ length: bytes.length >>> 2 }, (_, i) => readU32LE(bytes, 4 * i));

  test('are invalidated, every set and way, before the first access through them', async () => {
    const C = bits(reg.HSCTLR, { C: 1 });
    const invalidated = [0, 1, 2, 3].map(() => new Map<number, number>());
    const late: number[] = [];
    await start([guest(ending(() => undefined))], {
      observe:
        ({ hypervisor }) =>
        () => ({
          watch: {
            wants: (physical) => {
              const at = physical - hypervisor.symbols.get('vectors')!;
              const { image } = hypervisor;
              return at >= 0 && at < image.length && same(readU32LE(image, at), DCISW);
            },
            instruction: (core, _, __, word) => {
              const value = core.register((word >>> 12) & 15);
              const its = invalidated[core.index]!;
              its.set(value, (its.get(value) ?? 0) + 1);
              if (core.system(reg.HSCTLR) & C) late.push(core.index);
              return false;
            },
          },
        }),
    }).then(({ pi }) => {
      pi.run(10 * MS);
    });
    expect(late).toEqual([]);
    // TRM 6.1 and 7.1: level 1 has 32 KiB of 4 ways, level 2 of the BCM2836 512 KiB of 8, in lines of 64 bytes.
    const operands = (level: number, bytes: number, ways: number): number[] =>
      Array.from({ length: bytes / 64 }, (_, line) => {
        const way = (line % ways) * 2 ** (32 - Math.log2(ways));
        return way + Math.floor(line / ways) * 64 + 2 * level;
      });
    const first = operands(0, 0x8000, 4);
    const both = [...first, ...operands(1, 0x8_0000, 8)];
    const ascending = (one: number, other: number): number => one - other;
    invalidated.forEach((its, core) => {
      expect([...its.keys()].sort(ascending)).toEqual((core === 0 ? both : first).sort(ascending));
      expect(new Set(its.values())).toEqual(new Set([1]));
    });
  });

  test('of instructions, too, before the code is run that was copied (A3.8.3, B2.2.9)', async () => {
    const { image } = await start([guest(ending(() => undefined))]);
    // The code ends before what the file says of itself.
    const code = words(image.file.subarray(0, readU32LE(image.file, 8)));
    const places = code.flatMap((word, at) => (word === ICIALLU ? [at] : []));
    // Before the hypervisor; where the host starts alone, before what moves its kernel, and before that.
    expect(places.length).toBe(3);
    for (const at of places) expect(code.slice(at - 1, at + 4)).toEqual([DSB, ICIALLU, BPIALL, DSB, ISB]);
  });

  test('and translations of others are left alone once the cores have begun', async () => {
    const { pi, image } = await start([guest(ending(() => undefined))]);
    const flushes = words(image.hypervisor.image).filter(
      (word) => same(word, TLBIALLNSNH) || same(word, TLBIALLNSNHIS),
    );
    // Each core's beginning.
    expect(flushes.length).toBe(1);
    pi.run(10 * MS);
    // HCR.FB and BSU would have a guest's own maintenance go to all cores.
    expect(pi.cpu.cores[CORE]!.system(reg.HCR) & bits(reg.HCR, { FB: 1, BSU: 3 })).toBe(0);
  });
});

// A3.4.5: an exception return need not clear the monitor, and STREX may only store where LDREX was before.
test('an exclusive access does not reach over a visit to the hypervisor', async () => {
  const kernel = ending((a) => {
    load(a, r4, GUEST_RAM + RESULTS);
    load(a, r0, PSCI_VERSION);
    a.ldrex(r1, [r4]);
    a.hvc(0);
    a.strex(r2, r0, [r4]);
    a.add(r2, r2, 0x10);
    a.str(r2, [r4, 4]);
  });
  const { pi, result } = await start([guest(kernel)]);
  pi.run(10 * MS);
  expect([result(0, 0), result(0, 1)]).toEqual([0, 0x11]);
});

// TRM 4.3.31 (ACTLR): a core that is not SMP is not coherent, and its exclusives do not work.
test('the host cannot take a core out of coherency', async () => {
  const SMP = bits(reg.ACTLR, { SMP: 1 });
  const SEEN = 0x2100;
  const host = smallHost(
    (a) => {
      const end = a.label('end');
      a.mrc(reg.ACTLR, r0);
      a.bic(r0, r0, SMP);
      a.mcr(reg.ACTLR, r0);
      a.isb();
      a.mrc(reg.ACTLR, r0);
      load(a, r1, SEEN);
      a.str(r0, [r1]);
      a.at(end);
      a.wfi();
      a.b(end);
    },
    () => undefined,
  );
  const { pi } = await start([guest(ending(() => undefined))], { host });
  pi.run(10 * MS);
  for (const core of pi.cpu.cores) expect(core.system(reg.ACTLR) & SMP).toBe(SMP);
  expect(ramView(pi.cpu).getUint32(SEEN, true) & SMP).toBe(SMP);
});

describe('operations and walks that stage 2 has nothing for (B3.13.6, HSR.CM and S1PTW)', () => {
  test('caches hold nothing of what is no memory: cleaning it does nothing', async () => {
    const places = [0, GICC, GUEST_UART, GUEST_RAM + GUEST_MEMORY];
    const kernel = ending((a) => {
      load(a, r4, GUEST_RAM + RESULTS);
      for (const place of places) {
        load(a, r0, place);
        a.mcr(reg.DCCMVAC, r0);
        a.mcr(reg.DCCIMVAC, r0);
        a.mcr(reg.DCIMVAC, r0);
        a.mcr(reg.DCCMVAU, r0);
      }
      a.mov(r0, 1);
      a.str(r0, [r4]);
    });
    const { pi, image, result } = await start([guest(kernel)]);
    pi.run(10 * MS);
    expect(consoleText(image, pi.cpu.memory.observe(), -1)).not.toContain('crashed');
    expect(result(0, 0)).toBe(1);
  });

  test('a table that a guest has where a device is aborts, and is not read from that', async () => {
    const [MEGABYTE, SECTION, TABLE] = [0x10_0000, 0xc02, GUEST_RAM + 0x10_0000];
    const LOOKED_AT = 0x6000_0000;
    const a = assembler(GUEST_RAM + GUEST_KERNEL);
    const [begin, aborted, end] = [a.label('begin'), a.label('aborted'), a.label('end')];
    for (const to of [begin, begin, begin, begin, aborted]) a.b(to);
    a.at(aborted);
    a.mrc(reg.DFSR, r7);
    a.subs(pc, lr, 4);
    a.at(begin);
    load(a, r0, GUEST_RAM + GUEST_KERNEL);
    a.mcr(reg.VBAR, r0);
    load(a, r5, TABLE);
    for (const [from, descriptor] of [
      [GUEST_RAM, GUEST_RAM | SECTION],
      // Its page table is the GIC's CPU interface.
      [LOOKED_AT, GICC | 1],
    ] as const) {
      load(a, r0, descriptor);
      load(a, r1, (from / MEGABYTE) * 4);
      a.str(r0, [r5, r1]);
    }
    switchMmuOn(a, r5);
    load(a, r4, GUEST_RAM + RESULTS);
    load(a, r6, LOOKED_AT);
    a.mov(r7, 0);
    a.ldr(r0, [r6]);
    a.str(r7, [r4]);
    a.mov(r7, 0);
    // An operation on caches whose address cannot be translated is not one on what is no memory.
    a.mcr(reg.DCCMVAC, r6);
    a.str(r7, [r4, 4]);
    a.at(end);
    a.b(end);
    // HSR may say what the instruction was, although it is not what has aborted: KVM looks at S1PTW in spite of ISV.
    const S1PTW = bits(DATA_ABORT_ISS, { S1PTW: 1 });
    const WORD_TO_R0 = bits(DATA_ABORT_ISS, { ISV: 1, SAS: 2 });
    const { pi, result } = await start([guest(a.assemble())], {
      observe:
        ({ hypervisor }) =>
        ({ cpu }) => ({
          watch: {
            wants: (physical) => physical === hypervisor.symbols.get('trap'),
            instruction: ({ index }) => {
              const core = cpu.machine.cores[index]!;
              if (core.HSR & S1PTW) core.HSR |= WORD_TO_R0;
              return false;
            },
          },
        }),
    });
    pi.run(10 * MS);
    // DFSR: external abort, of a read.
    expect([result(0, 0), result(0, 1) & 0x40f]).toEqual([8, 8]);
  });
});

describe('an asynchronous abort', () => {
  const [ABORTS, STATUS, COUNT] = [0, 1, 2];
  /** DFSR of an asynchronous external abort (table B3-23). */
  const ASYNCHRONOUS = 0x406;

  /** Vectors of a guest that counts its aborts; R4 is at what it tells then, and the code goes on behind. */
  const countAborts = (a: Assembler): void => {
    const [begin, aborted] = [a.label('begin'), a.label('aborted')];
    for (const to of [begin, begin, begin, begin, aborted]) a.b(to);
    a.at(aborted);
    a.mrc(reg.DFSR, r1);
    a.str(r1, [r4, 4 * STATUS]);
    a.ldr(r1, [r4, 4 * ABORTS]);
    a.add(r1, r1, 1);
    a.str(r1, [r4, 4 * ABORTS]);
    a.subs(pc, lr, 8);
    a.at(begin);
    load(a, r0, GUEST_RAM + GUEST_KERNEL);
    a.mcr(reg.VBAR, r0);
    load(a, r4, GUEST_RAM + RESULTS);
  };

  /** Counts its aborts, and how far it came. */
  const counting = (): Uint8Array => {
    const a = assembler(GUEST_RAM + GUEST_KERNEL);
    const again = a.label('again');
    countAborts(a);
    a.mov(r5, 0);
    a.cpsie('a');
    a.at(again);
    a.add(r5, r5, 1);
    a.str(r5, [r4, 4 * COUNT]);
    spin(a, r3, 1000);
    a.b(again);
    return a.assemble();
  };

  /** Has an abort pend when the hypervisor is entered by an interrupt for the second time while guest 1 is loaded. */
  const whileLoaded =
    (machine: bigint, raise: (core: number) => void) =>
    ({ hypervisor }: HypervisorImage): Observe =>
    () => {
      let left = 2;
      return {
        watch: {
          wants: (physical) => physical === hypervisor.symbols.get('irq'),
          instruction: (core) => {
            if (core.index === CORE && core.system(reg.VTTBR) >> 48n === machine && --left === 0)
              raise(core.index);
            return false;
          },
        },
      };
    };

  test('that comes while its guest runs is that guest’s', async () => {
    const { pi, image, result } = await start([guest(counting()), guest(counting())]);
    pi.run(10 * MS);
    for (let n = 0; n < 100 && pi.cpu.cores[CORE]!.system(reg.VTTBR) >> 48n !== 2n; n++)
      pi.run(pi.cpu.time + MS / 10);
    pi.cpu.raiseAbort(CORE);
    pi.run(pi.cpu.time + 20 * MS);
    expect([result(0, ABORTS), result(1, ABORTS), result(1, STATUS)]).toEqual([0, 1, ASYNCHRONOUS]);
    expect(consoleText(image, pi.cpu.memory.observe(), -1)).not.toContain('fault');
  });

  test.each([1, 2])('that comes late, in HYP mode, is guest %i’s, which led to it', async (which) => {
    let raise: (core: number) => void = () => undefined;
    const { pi, image, result } = await start([guest(counting()), guest(counting())], {
      observe: whileLoaded(BigInt(which), (core) => {
        raise(core);
      }),
    });
    raise = (core) => {
      pi.cpu.raiseAbort(core);
    };
    pi.run(40 * MS);
    const [its, other] = [which - 1, 2 - which];
    expect([result(its, ABORTS), result(its, STATUS), result(other, ABORTS)]).toEqual([1, ASYNCHRONOUS, 0]);
    // Both go on: some 40 rounds a millisecond, and half of the time.
    const before = [result(0, COUNT), result(1, COUNT)];
    pi.run(80 * MS);
    expect(result(0, COUNT)).toBeGreaterThan(before[0]! + 100);
    expect(result(1, COUNT)).toBeGreaterThan(before[1]! + 100);
    expect(consoleText(image, pi.cpu.memory.observe(), -1)).not.toContain('fault');
  });

  /** Stores and waits in WFI again and again, for what never comes; STORE is its offset. */
  const waiting = (masked: boolean): { kernel: Uint8Array; store: number } => {
    const a = assembler(GUEST_RAM + GUEST_KERNEL);
    countAborts(a);
    a.mov(r5, 1);
    if (!masked) a.cpsie('a');
    const store = a.here - (GUEST_RAM + GUEST_KERNEL);
    a.str(r5, [r4, 4 * COUNT]);
    a.wfi();
    a.add(r5, r5, 1);
    a.str(r5, [r4, 4 * COUNT]);
    if (masked) a.cpsie('a');
    const end = a.label('end');
    a.at(end);
    a.b(end);
    return { kernel: a.assemble(), store };
  };

  // Longer than from there to the switch: the switch has to wait for it.
  describe.each([0, 1, 50, 200, 100_000])(
    'that comes %i instructions after the guest’s last store',
    (late) => {
      test.each([
        ['beside another guest', 2, false],
        ['alone on its core', 1, false],
        ['beside another guest, where it is masked', 2, true],
        ['alone on its core, where it is masked', 1, true],
      ])('is that guest’s, and ends its WFI, %s', async (_, guests, masked) => {
        const { kernel, store } = waiting(masked);
        let pi: BuiltInPi | undefined;
        let left = 1;
        const run = await start([guest(kernel), guest(counting())].slice(0, guests), {
          observe:
            ({ guestMemory }) =>
            (it) => {
              pi = it;
              return {
                watch: {
                  wants: (physical) => physical === guestMemory[0]! + GUEST_KERNEL + store,
                  instruction: (core) => {
                    if (left-- > 0) pi!.cpu.raiseAbort(core.index);
                    return false;
                  },
                },
              };
            },
        });
        pi!.cpu.abortLatency = late;
        run.pi.run(60 * MS);
        const { result } = run;
        expect([result(0, ABORTS), result(0, STATUS), result(0, COUNT)]).toEqual([1, ASYNCHRONOUS, 2]);
        if (guests > 1) {
          expect(result(1, ABORTS)).toBe(0);
          expect(result(1, COUNT)).toBeGreaterThan(100);
        }
        expect(consoleText(run.image, pi!.cpu.memory.observe(), -1)).not.toMatch(/fault|crashed/);
      });
    },
  );
});
