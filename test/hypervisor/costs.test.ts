import { expect, test } from 'vitest';
import { r0, r1, r2, r3, r4 } from '../../src/arm/registers.js';
import * as L from '../../src/arm/cpu/layout.js';
import { word } from '../../src/arm/cpu/state.js';
import { MODE_HYP } from '../../src/arm/program-status.js';
import * as reg from '../../src/arm/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { Observe } from '../../src/engine/observer.js';
import type { HypervisorImage } from '../../src/hypervisor/image.js';
import { GICC, GICD, guest, handoverOf, HOST_TICKS, listeningHost, load, smallGuest, smallImage } from './payloads.js';

const PSCI_VERSION = 0x8400_0000;
const MODE = 0x1f;

/** An entry into HYP mode: the core, the vector, and the instructions executed there. */
interface Visit {
  readonly core: number;
  readonly vector: number;
  readonly from: number;
  instructions: number;
}

/** Runs a machine; lists what each entry into HYP mode cost, and says how often the host's timer came. */
async function visits(image: HypervisorImage, ms: number): Promise<{ all: Visit[]; ticks: number }> {
  const all: Visit[] = [];
  const open = new Map<number, Visit>();
  const observe: Observe = () => ({
    watch: {
      wants: (physical) => physical >= image.hypervisor.symbols.get('vectors')!,
      instruction: (m) => {
        const visit = open.get(m.core.index);
        if (visit && (word(m, L.CPSR) & MODE) === MODE_HYP) visit.instructions++;
        return false;
      },
    },
    listener: {
      exceptionTaken: (m, vector) => {
        if ((word(m, L.CPSR) & MODE) !== MODE_HYP) return;
        const visit = { core: m.core.index, vector, from: word(m, L.PC), instructions: 0 };
        open.set(m.core.index, visit);
        all.push(visit);
      },
      modeChanged: (m) => {
        if ((word(m, L.CPSR) & MODE) !== MODE_HYP) open.delete(m.core.index);
      },
    },
  });
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [observe]);
  pi.run(ms * 1_000_000);
  const ram = new DataView(pi.cpu.ram.buffer, pi.cpu.ram.byteOffset);
  return { all, ticks: ram.getUint32(HOST_TICKS, true) };
}

/** A guest that makes ten empty calls, then takes ten timer interrupts as Linux does: IAR, the timer, EOIR. */
const kernel = smallGuest(
  (a) => {
    const [calls, wait] = [a.label('calls'), a.label('wait')];
    a.mov(r4, 10);
    a.at(calls);
    load(a, r0, PSCI_VERSION);
    a.hvc(0);
    a.subs(r4, r4, 1);
    a.bne(calls);
    load(a, r3, GICD);
    a.mov(r1, 1);
    a.str(r1, [r3]);
    a.mov(r1, 1 << 27);
    a.str(r1, [r3, 0x100]);
    load(a, r3, GICC);
    a.mov(r1, 0xf0);
    a.str(r1, [r3, 4]);
    a.mov(r1, 1);
    a.str(r1, [r3]);
    load(a, r0, 4800);
    a.mcr(reg.CNTV_TVAL, r0);
    a.mcr(reg.CNTV_CTL, r1);
    a.cpsie('i');
    a.at(wait);
    a.b(wait);
  },
  (a) => {
    load(a, r3, GICC);
    a.ldr(r2, [r3, 0xc]);
    load(a, r0, 4800);
    a.mcr(reg.CNTV_TVAL, r0);
    a.str(r2, [r3, 0x10]);
    a.ldr(r1, [r3, 0xc]);
    a.subs({ core: 15 }, { core: 14 }, 4);
  },
);

const HYP_TRAP = 0x14;
const IRQ = 0x18;

test('what a hypercall and a timer interrupt cost; the host is not interrupted at all', async () => {
  const { all, ticks } = await visits(smallImage(listeningHost(), [guest(kernel)]), 4);
  const mine = all.filter(({ core }) => core === 3);
  const calls = mine.filter(({ vector }) => vector === HYP_TRAP).slice(0, 10);
  const first = mine.findIndex(({ vector }) => vector === IRQ);
  const interrupt = mine.slice(first, first + 4);
  expect(calls).toHaveLength(10);
  for (const { instructions } of calls) expect(instructions).toBeLessThan(100);
  expect(interrupt.map(({ vector }) => vector)).toEqual([IRQ, HYP_TRAP, HYP_TRAP, HYP_TRAP]);
  expect(interrupt.reduce((sum, it) => sum + it.instructions, 0)).toBeLessThan(600);
  // The host's timer interrupts it every millisecond, and HYP mode never.
  expect(ticks).toBeGreaterThanOrEqual(2);
  expect(all.filter(({ core }) => core < 3)).toEqual([]);
});
