import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r6 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { Observe } from '../../src/engine/observer.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image/image.js';
import {
  consoleText,
  guest,
  GUEST_RAM,
  handoverOf,
  load,
  quietHost,
  smallGuest,
  smallImage,
  spin,
} from './payloads.js';
import { ramView } from '../support/ram.js';

/** Words in a guest's memory: how often it has begun without its memory being new, and how far it came. */
const BEGUN = 0x4000;
const LATER = 0x4004;
const PSCI_CPU_OFF = 0x8400_0002;
const PSCI_CPU_ON = 0x8400_0003;
const PSCI_SYSTEM_OFF = 0x8400_0008;
const PSCI_SYSTEM_RESET = 0x8400_0009;
/** Of the system counter. */
const TICKS_PER_MS = 19_200;
/** An address without memory or device. */
const NOWHERE = 0x2000_0000;

/** Counts its beginnings, waits some milliseconds, and does what ends it. */
function crashing(does: (a: Assembler) => void): Uint8Array {
  return smallGuest((a) => {
    load(a, r6, GUEST_RAM + BEGUN);
    a.ldr(r0, [r6]);
    a.add(r0, r0, 1);
    a.str(r0, [r6]);
    does(a);
    // Not reached, unless it is given what it cannot take.
    load(a, r0, 0x7e57);
    a.str(r0, [r6, 4]);
    const end = a.label('end');
    a.at(end);
    a.b(end);
  });
}

function vectorsAt(a: Assembler, address: number): void {
  load(a, r0, address);
  a.mcr(reg.VBAR, r0);
  a.isb();
}

/** Turns a first stage on that maps its memory's first MiB only, at the same address, as a section. */
function mapLittle(a: Assembler): void {
  load(a, r0, GUEST_RAM + 0x1_0000);
  // Its descriptor is the 0x400th.
  load(a, r1, (GUEST_RAM | 0xc0e) >>> 0);
  a.mcr(reg.TTBR0, r0);
  a.add(r0, r0, 0x1000);
  a.str(r1, [r0]);
  a.mov(r1, 1);
  a.mcr(reg.DACR, r1);
  a.mrc(reg.SCTLR, r1);
  a.orr(r1, r1, 1);
  a.mcr(reg.SCTLR, r1);
  a.isb();
}

interface Case {
  readonly what: string;
  readonly why: RegExp;
  readonly does: (a: Assembler) => void;
}
const cases: readonly Case[] = [
  {
    what: 'jumps into nowhere, and has its vectors nowhere',
    why: /^no exception vectors, pc 0x30000000, address 0x30000000$/,
    does: (a) => {
      vectorsAt(a, NOWHERE);
      load(a, r0, 0x3000_0000);
      a.bx(r0);
    },
  },
  {
    what: 'does what is UNDEFINED, its vectors not in its own first stage',
    why: /^no exception vectors, pc 0x4000[0-9a-f]{4}, address 0x4000[0-9a-f]{4}$/,
    does: (a) => {
      vectorsAt(a, GUEST_RAM + 0x10_0000);
      mapLittle(a);
      a.smc(0);
    },
  },
  {
    what: 'has an SMC as the vector of Undefined Instruction',
    why: /^a fault at its own exception vector, pc 0x40009004, address 0x40009004$/,
    does: (a) => {
      load(a, r0, GUEST_RAM + 0x9000);
      // SMC #0
      load(a, r1, 0xe160_0070);
      a.str(r1, [r0, 4]);
      vectorsAt(a, GUEST_RAM + 0x9000);
      a.smc(0);
    },
  },
  {
    what: 'reads from nowhere at the vector of Data Abort',
    why: /^a fault at its own exception vector, pc 0x40009010, address 0x20000000$/,
    does: (a) => {
      load(a, r0, GUEST_RAM + 0x9000);
      // LDR R6, [R6]
      load(a, r1, 0xe596_6000);
      a.str(r1, [r0, 0x10]);
      vectorsAt(a, GUEST_RAM + 0x9000);
      load(a, r6, NOWHERE);
      a.ldr(r0, [r6]);
    },
  },
];

interface Run {
  readonly pi: BuiltInPi;
  readonly messages: () => string[];
  readonly word: (guest: number, offset: number) => number;
}

async function machine(
  guests: readonly GuestPlan[],
  observe?: (image: HypervisorImage) => Observe,
): Promise<Run> {
  const image = smallImage(quietHost, guests);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, observe ? [observe(image)] : []);
  const view = ramView(pi.cpu);
  return {
    pi,
    messages: () => consoleText(image, pi.cpu.memory.observe(), -1).split('\r\n').slice(1, -1),
    word: (of, offset) => view.getUint32(image.guestMemory[of]! + offset, true),
  };
}

/** Writes its virtual count into memory, for ever. */
const beating = smallGuest((a) => {
  const again = a.label('again');
  load(a, r6, GUEST_RAM + BEGUN);
  a.at(again);
  a.mrrc(reg.CNTVCT, r0, r1);
  a.str(r0, [r6]);
  spin(a, r0, 20_000);
  a.b(again);
});

describe('a guest that cannot go on', () => {
  test.each(cases)('that $what is stopped, and begins again after a second', async ({ does, why }) => {
    const { pi, messages, word: at } = await machine([guest(crashing(does), { name: 'bad' })]);
    const line = /^hypberry: bad: crashed: (.*); restarts$/;
    pi.run(900_000_000);
    expect(messages()).toHaveLength(2);
    expect(messages()[0]).toBe('hypberry: bad: started');
    expect(line.exec(messages()[1]!)?.[1]).toMatch(why);
    expect(at(0, BEGUN)).toBe(1);
    pi.run(1_100_000_000);
    // Once more, with its memory new, and no further until the next second.
    expect(messages().slice(2)).toEqual([messages()[1]]);
    expect(at(0, BEGUN)).toBe(1);
    expect(at(0, LATER)).toBe(0);
  });

  test('returns to a mode that there is not', async () => {
    // No instruction of a guest's leads there in this machine; so its status register is changed on the way in.
    let changed = 0;
    const calling = crashing((a) => {
      a.hvc(0);
    });
    const { pi, messages } = await machine([guest(calling, { name: 'bad' })], ({ hypervisor }) => () => ({
      watch: {
        wants: (physical) => physical === hypervisor.symbols.get('enter.trap'),
        instruction: (core) => {
          if (changed++ === 0) core.SPSR = (core.SPSR & ~0x1f) | 0x14;
          return false;
        },
      },
    }));
    pi.run(100_000_000);
    expect(messages()[1]).toMatch(
      /^hypberry: bad: crashed: no valid mode, pc 0x40008[0-9a-f]{3}, syndrome 0x[0-9a-f]{6}d4; restarts$/,
    );
  });

  test('with several CPUs stops on all of them; the others, and the host, go on', async () => {
    const pair = smallGuest((a) => {
      const [second, start, end] = [a.label('second'), a.label('start'), a.label('end')];
      load(a, r6, GUEST_RAM + BEGUN);
      a.b(start);
      a.at(second);
      const entry = a.here;
      // The second one beats until it is stopped.
      load(a, r6, GUEST_RAM + BEGUN);
      const beat = a.label('beat');
      a.at(beat);
      a.mrrc(reg.CNTVCT, r0, r1);
      a.str(r0, [r6, 4]);
      spin(a, r0, 20_000);
      a.b(beat);
      a.at(start);
      a.mov(r1, 1);
      load(a, r2, entry);
      load(a, r0, PSCI_CPU_ON);
      a.hvc(0);
      // 10 ms, so that it is seen to beat.
      spin(a, r0, 2_000_000);
      vectorsAt(a, NOWHERE);
      a.smc(0);
      a.at(end);
      a.b(end);
    });
    const {
      pi,
      messages,
      word: at,
    } = await machine([
      guest(pair, { name: 'bad', cores: [2, 3] }),
      guest(beating, { name: 'good', cores: [3] }),
    ]);
    const crashed = (): boolean => messages().some((it) => it.includes('bad: crashed'));
    let ms = 0;
    while (!crashed() && ms < 200) pi.run(++ms * 1_000_000);
    expect(crashed()).toBe(true);
    pi.run((ms + 10) * 1_000_000);
    const stopped = at(0, LATER);
    expect(stopped).toBeGreaterThan(0);
    const beat = at(1, BEGUN);
    pi.run((ms + 20) * 1_000_000);
    expect(at(0, LATER)).toBe(stopped);
    // It has the core for itself now.
    expect(at(1, BEGUN) - beat).toBeGreaterThan(9 * TICKS_PER_MS);
    expect(messages().filter((it) => it.includes('good'))).toEqual(['hypberry: good: started']);
  });

  test('switches itself off: with the last of its CPUs, or as a whole', async () => {
    const off = (call: number): Uint8Array =>
      crashing((a) => {
        load(a, r0, call);
        a.hvc(0);
      });
    const {
      pi,
      messages,
      word: at,
    } = await machine([
      guest(off(PSCI_CPU_OFF), { name: 'cpu' }),
      guest(off(PSCI_SYSTEM_OFF), { name: 'system' }),
      guest(off(PSCI_SYSTEM_RESET), { name: 'again' }),
    ]);
    pi.run(15_000_000);
    const said = (name: string): string[] => messages().filter((it) => it.startsWith(`hypberry: ${name}: `));
    expect(said('cpu')).toEqual(['hypberry: cpu: started', 'hypberry: cpu: powered off']);
    expect(said('system')).toEqual(['hypberry: system: started', 'hypberry: system: powered off']);
    expect(said('again')[0]).toBe('hypberry: again: started');
    expect(new Set(said('again').slice(1))).toEqual(new Set(['hypberry: again: restarts']));
    expect(said('again').length).toBeGreaterThan(2);
    expect([at(0, LATER), at(1, LATER), at(2, LATER)]).toEqual([0, 0, 0]);
  });
});

test("the memory of one that restarts is made between the others' slices", async () => {
  // 16 pieces of a MiB; at once they would take 2.5 ms.
  const memory = 16 << 20;
  const restarting = crashing((a) => {
    load(a, r0, PSCI_SYSTEM_RESET);
    a.hvc(0);
  });
  const {
    pi,
    messages,
    word: at,
  } = await machine([guest(restarting, { name: 'large', memory }), guest(beating, { name: 'good' })]);
  const restarts = (): number => messages().filter((it) => it.endsWith('large: restarts')).length;
  const STEP = 200_000;
  let now = 0;
  while (restarts() < 1 && now < 2_000_000_000) pi.run((now += 5_000_000));
  // The longest time without a beat, while it is made once more.
  let [longest, last, lastAt] = [0, 0, now];
  for (const from = restarts(); restarts() === from && now < 2_000_000_000;) {
    pi.run((now += STEP));
    const beat = at(1, BEGUN);
    if (beat !== last) [last, lastAt] = [beat, now];
    longest = Math.max(longest, now - lastAt);
  }
  expect(restarts()).toBe(2);
  expect(longest).toBeLessThan(1_500_000);
});
