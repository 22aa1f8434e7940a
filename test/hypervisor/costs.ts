/** What the hypervisor costs, in instructions that are executed in HYP mode, counted in the built-in Pi 2. */
import type { Assembler } from '../../src/isa/assembler.js';
import { EC_CP15, EC_HVC, VECTOR_FIQ, VECTOR_HYP_TRAP, VECTOR_IRQ } from '../../src/cpu/exceptions.js';
import type { Label } from '../../src/isa/registers.js';
import { lr, pc, r0, r1, r2, r3, r4, r5, r6 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { CRYSTAL_HZ } from '../../src/board/bcm2836.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image/image.js';
import { NEAR_UARTS } from '../../src/hypervisor/shared/layout.js';
import {
  ARM_MEMORY,
  countTick,
  GICC,
  GICC_EOIR,
  GICC_IAR,
  GICC_PMR,
  GICD,
  guest,
  GUEST_MEMORY,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  HOST_TICKS,
  interruptedHost,
  load,
  quietHost,
  smallGuest,
  smallHost,
  smallImage,
  startTicks,
} from './payloads.js';
import type { Visit, Worlds } from './worlds.js';
import { classOf, isAccess, watchWorlds } from './worlds.js';
import { ramView } from '../support/ram.js';

const PSCI_VERSION = 0x8400_0000;
const TICKS_PER_MS = CRYSTAL_HZ / 1000;
const NS_PER_MS = 1_000_000;
const GUEST_CORE = 3;
const TIMES = 10;
/** After this the near end of a console hears what comes, milliseconds. */
const OPEN_MS = 300;
/** Between two bytes for the host. */
const BYTE_MS = 3;

interface Machine {
  readonly image: HypervisorImage;
  readonly pi: BuiltInPi;
  readonly worlds: Worlds;
  /** Word at an offset in a guest's memory. */
  readonly word: (guest: number, offset: number) => number;
}

async function machine(
  host: Uint8Array,
  guests: readonly GuestPlan[],
  keepVisits: boolean,
): Promise<Machine> {
  const image = smallImage(host, guests);
  const worlds = watchWorlds(keepVisits);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [worlds.observe]);
  const view = ramView(pi.cpu);
  return { image, pi, worlds, word: (n, at) => view.getUint32(image.guestMemory[n]! + at, true) };
}

function writeWord(a: Assembler, address: number, value: number): void {
  load(a, r3, address);
  load(a, r1, value);
  a.str(r1, [r3]);
}

function setTimer(a: Assembler, ticks: number): void {
  load(a, r0, ticks);
  a.mcr(reg.CNTV_TVAL, r0);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
}

/** Lets the virtual timer's interrupt come. Changes R1 and R3. */
function interruptsOn(a: Assembler): void {
  writeWord(a, GICD, 1);
  writeWord(a, GICD + 0x100, 1 << 27);
  writeWord(a, GICC + GICC_PMR, 0xf0);
  writeWord(a, GICC, 1);
}

/** Takes the timer's interrupt as Linux does: until IAR says that there is none more. Changes R0 to R3. */
function takeTimer(a: Assembler, ticks: number): void {
  load(a, r3, GICC);
  a.ldr(r2, [r3, GICC_IAR]);
  load(a, r0, ticks);
  a.mcr(reg.CNTV_TVAL, r0);
  a.str(r2, [r3, GICC_EOIR]);
  a.ldr(r1, [r3, GICC_IAR]);
  a.subs(pc, lr, 4);
}

/** Does everything whose cost is asked for, ten times each. */
export const caller = smallGuest(
  (a) => {
    const [again, wait, waiting, sending, pause, end] = [
      'again',
      'wait',
      'waiting',
      'sending',
      'pause',
      'end',
    ].map((it) => a.label(it)) as [Label, Label, Label, Label, Label, Label];
    a.mov(r4, TIMES);
    a.at(again);
    load(a, r0, PSCI_VERSION);
    a.hvc(0);
    a.mrc(reg.ACTLR, r0);
    load(a, r3, GICC);
    a.ldr(r1, [r3, GICC_PMR]);
    a.mov(r1, 0xf0);
    a.str(r1, [r3, GICC_PMR]);
    writeWord(a, GICD, 1);
    a.subs(r4, r4, 1);
    a.bne(again);
    interruptsOn(a);
    a.mov(r5, 0);
    setTimer(a, TICKS_PER_MS / 4);
    a.cpsie('i');
    a.at(wait);
    a.cmp(r5, TIMES);
    a.blo(wait);
    a.cpsid('i');
    // Until the host's end of the console hears.
    setTimer(a, OPEN_MS * TICKS_PER_MS);
    a.at(waiting);
    a.wfi();
    a.mrc(reg.CNTV_CTL, r0);
    a.tst(r0, 4);
    a.beq(waiting);
    a.mov(r4, TIMES);
    a.at(sending);
    writeWord(a, GUEST_UART, '.'.charCodeAt(0));
    // Later than a near end's pause after it was read empty.
    setTimer(a, BYTE_MS * TICKS_PER_MS);
    a.at(pause);
    a.wfi();
    a.mrc(reg.CNTV_CTL, r0);
    a.tst(r0, 4);
    a.beq(pause);
    a.subs(r4, r4, 1);
    a.bne(sending);
    a.at(end);
    a.wfi();
    a.b(end);
  },
  (a) => {
    a.add(r5, r5, 1);
    takeTimer(a, TICKS_PER_MS / 4);
  },
);

const spinning = smallGuest((a) => {
  const again = a.label('again');
  a.at(again);
  a.b(again);
});

/** Sleeps; a tick every 100 ms, as an idle kernel has at most. */
const idle = smallGuest(
  (a) => {
    const again = a.label('again');
    interruptsOn(a);
    setTimer(a, 100 * TICKS_PER_MS);
    a.cpsie('i');
    a.at(again);
    a.wfi();
    a.b(again);
  },
  (a) => {
    takeTimer(a, 100 * TICKS_PER_MS);
  },
);

/** Where a busy guest counts rounds of ROUND instructions, in its memory. */
const COUNTED = 0x4000;
const ROUND = 5000;

/** Counts rounds for ever, with a tick of its timer every millisecond. */
const busy = smallGuest(
  (a) => {
    const [round, spin] = [a.label('round'), a.label('spin')];
    interruptsOn(a);
    setTimer(a, TICKS_PER_MS);
    load(a, r4, GUEST_RAM + COUNTED);
    a.mov(r5, 0);
    a.cpsie('i');
    a.at(round);
    load(a, r6, (ROUND - 6) / 2);
    a.at(spin);
    a.subs(r6, r6, 1);
    a.bne(spin);
    a.add(r5, r5, 1);
    a.str(r5, [r4]);
    a.nop();
    a.b(round);
  },
  (a) => {
    takeTimer(a, TICKS_PER_MS);
  },
);

/** A host that never sleeps, and takes its timer's interrupt every millisecond. */
const busyHost = smallHost((a) => {
  const spin = a.label('spin');
  startTicks(a);
  a.cpsie('i');
  a.at(spin);
  a.b(spin);
}, countTick);

/** A cost: the most that was seen of it, over so many exits to HYP mode each time. */
export interface Cost {
  readonly what: string;
  readonly instructions: number;
  readonly exits: number;
}

/** What {@link measureCosts} gives. */
export interface Costs {
  readonly costs: readonly Cost[];
  /** Exits of the host's cores with a timer interrupt every millisecond, and how many of those there were. */
  readonly hostExits: number;
  /** Instructions in HYP mode of these exits. */
  readonly hostInstructions: number;
  readonly hostTicks: number;
  /** Instructions in HYP mode on the host's cores for one of the host's, beside a guest that sleeps. */
  readonly hostOverhead: number;
  /** Instructions of a busy guest's loop for one of the same loop without a hypervisor, in the same time. */
  readonly guestSpeed: number;
  /** Bytes: of code, of data, of both in the file, of memory in all. */
  readonly size: {
    readonly code: number;
    readonly data: number;
    readonly file: number;
    readonly memory: number;
  };
}

/**
 * Measures all.
 * @param ms virtual milliseconds for the host's overhead and the guest's speed
 */
export async function measureCosts(ms: number): Promise<Costs> {
  const { calls, size } = await measureCalls();
  const switches = await measureSwitches();
  const beside = await machine(busyHost, [guest(idle)], true);
  // It sets its timer's routing first, which is looked at.
  await runFor(beside, 10);
  const begun = beside.worlds.visits.length;
  await runFor(beside, ms);
  const host = beside.worlds.instructions(0, 0);
  const hostVisits = beside.worlds.visits.slice(begun).filter(({ core }) => core < GUEST_CORE);
  const ram = ramView(beside.pi.cpu);
  return {
    costs: [...calls, ...switches],
    hostExits: hostVisits.length,
    hostInstructions: sum(hostVisits),
    hostTicks: ram.getUint32(HOST_TICKS, true),
    hostOverhead: sum(hostVisits) / host,
    guestSpeed: await measureSpeed(ms),
    size,
  };
}

const sum = (visits: readonly Visit[]): number => visits.reduce((all, it) => all + it.instructions, 0);

async function runFor({ pi }: Machine, ms: number): Promise<void> {
  for (let done = 0; done < ms; done += 10) {
    pi.run(pi.cpu.time + Math.min(10, ms - done) * NS_PER_MS);
    await Promise.resolve();
  }
}

async function measureCalls(): Promise<{ calls: Cost[]; size: Costs['size'] }> {
  const it = await machine(interruptedHost(1), [guest(caller)], true);
  await runFor(it, OPEN_MS + (TIMES + 2) * BYTE_MS);
  const { visits } = it.worlds;
  const mine = visits.filter(({ core }) => core === GUEST_CORE);
  const calls: Cost[] = [];
  const most = (what: string, groups: readonly (readonly Visit[])[]): void => {
    if (groups.length === 0 || groups.some((group) => group.length === 0))
      throw new Error(`${what} was not seen`);
    const worst = groups.reduce((a, b) => (sum(b) > sum(a) ? b : a));
    calls.push({ what, instructions: sum(worst), exits: worst.length });
  };
  const single = (what: string, wanted: (visit: Visit) => boolean): void => {
    most(
      what,
      mine.filter((visit) => visit.vector === VECTOR_HYP_TRAP && wanted(visit)).map((visit) => [visit]),
    );
  };
  const access = (address: number, write: boolean) => (visit: Visit) => isAccess(visit, address, write);
  single('hypercall, there and back', (visit) => classOf(visit) === EC_HVC);
  single('CP15 register, trapped', (visit) => classOf(visit) === EC_CP15);
  single('GICC_PMR, read', access(GICC + GICC_PMR, false));
  single('GICC_PMR, write', access(GICC + GICC_PMR, true));
  single('GICC_IAR, read', access(GICC + GICC_IAR, false));
  single('GICC_EOIR, write', access(GICC + GICC_EOIR, true));
  single('GICD_CTLR, write', access(GICD, true));
  single('PL011, write of a byte', access(GUEST_UART, true));
  // The timer's: its own exit, then IAR, EOIR and IAR again.
  const interrupts = mine
    .map((visit, i) => ({ visit, i }))
    .filter(({ visit, i }) => visit.vector === VECTOR_IRQ && mine[i + 1]?.address === GICC + GICC_IAR)
    .map(({ i }) => mine.slice(i, i + 4));
  most(
    'timer interrupt, from the physical to the guest’s vector',
    interrupts.map((group) => group.slice(0, 1)),
  );
  most('timer interrupt, all of it (IAR, EOIR, IAR)', interrupts);
  // A byte for the host: from the kick to the end of its handler, when the controllers are its own again.
  const host = visits.filter(({ core }) => core < GUEST_CORE);
  const bytes = host
    .map((visit, i) => ({ visit, i }))
    .filter(
      ({ visit, i }) => visit.vector === VECTOR_FIQ && ![VECTOR_FIQ, undefined].includes(host[i + 1]?.vector),
    )
    .map(({ i }) => {
      const end = host.findIndex((visit, n) => n > i && visit.vector === VECTOR_FIQ);
      return host.slice(i, end < 0 ? undefined : end);
    })
    .filter((group) => group.some(({ address }) => address === NEAR_UARTS + 0x1000));
  most('interrupt into the host, until its handler has ended', bytes);
  const { symbols } = it.image.hypervisor;
  const at = (name: string): number => symbols.get(name)!;
  const size = {
    code: at('configuration') - at('vectors'),
    data: at('zeroTo') - at('configuration'),
    file: at('zeroFrom') - at('vectors'),
    memory: ARM_MEMORY - it.image.hostEnd - GUEST_MEMORY,
  };
  return { calls, size };
}

async function measureSwitches(): Promise<Cost[]> {
  const it = await machine(quietHost, [guest(spinning), guest(spinning)], true);
  await runFor(it, 40);
  const visits = it.worlds.visits.filter(
    ({ vector, from, to }) => vector === VECTOR_IRQ && from > 0 && from !== to,
  );
  if (visits.length < 3) throw new Error('no switches were seen');
  return [
    {
      what: 'switch between two guests',
      instructions: Math.max(...visits.map((v) => v.instructions)),
      exits: 1,
    },
  ];
}

/** A busy guest with a tick a millisecond, against its loop without interrupts: one instruction a nanosecond. */
async function measureSpeed(ms: number): Promise<number> {
  const it = await machine(quietHost, [guest(busy)], false);
  await runFor(it, 10);
  const [time, rounds] = [it.pi.cpu.time, it.word(0, COUNTED)];
  await runFor(it, ms);
  return ((it.word(0, COUNTED) - rounds) * ROUND) / (it.pi.cpu.time - time);
}
