/** A small host and two small guests that share a core, under a debugger. */
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { createSession } from '../../src/engine/session.js';
import { debug } from '../../src/gdb/debuggee.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import { LOCAL_BASE, LOCAL_REGISTERS, LOCAL_SOURCE } from '../../src/board/local-peripherals.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { d } from '../../src/isa/extension-registers.js';
import { r0, r1, r2, r3, r4, r5, r6, sp } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import {
  GUEST_KERNEL,
  GUEST_RAM,
  guest,
  handoverOf,
  load,
  smallGuest,
  smallImage,
  spin,
} from '../hypervisor/payloads.js';
import type { Debugged } from './client.js';

/** Where the kernels of all three are for themselves: the host's MMU has address 0 there. */
export const KERNEL = GUEST_RAM + GUEST_KERNEL;
/** A word that each counts in, beside its kernel. */
export const COUNTER = KERNEL + 0x1000;
/** Their loop: its first instruction adds, the next ones store and load. */
export const LOOP = KERNEL + 0x100;

/**
 * Adds a step to R3, which it stores and loads, without end; R2 is whose it is.
 * @param last the instruction behind these
 * @param rest lets time pass in which nobody looks
 */
function count(a: Assembler, who: number, step: number, last: () => void, rest: () => void): void {
  load(a, r1, COUNTER);
  load(a, r2, who);
  a.mov(r3, 0);
  a.org(LOOP);
  const again = a.label('again');
  a.at(again);
  a.add(r3, r3, step);
  a.str(r3, [r1]);
  a.ldr(r0, [r1]);
  last();
  rest();
  a.b(again);
}

/** A guest that counts, and gets its name from D0 into R4 each time: VFP's registers are its own. */
const counting = (who: number, step: number): Uint8Array =>
  smallGuest((a) => {
    a.mrc(reg.CPACR, r0);
    load(a, r2, 0xf << 20);
    a.orr(r0, r0, r2);
    a.mcr(reg.CPACR, r0);
    a.isb();
    load(a, r0, 1 << 30);
    a.vmsr('FPEXC', r0);
    load(a, r2, who);
    a.mov(r3, 0);
    a.vmov(d(0), r2, r3);
    a.mov(sp, r2);
    a.mcr(reg.TPIDRPRW, r2);
    count(
      a,
      who,
      step,
      () => {
        a.vmov(r4, r5, d(0));
      },
      () => {
        spin(a, r6, ROUND);
      },
    );
  });

/** A host that counts, with its MMU on: sections of memory and devices as they are, and address 0 at GUEST_RAM, too. */
function countingHost(): Uint8Array {
  const a = assembler(KERNEL);
  // What is pending ends WFI though it is masked.
  load(a, r0, LOCAL_BASE + LOCAL_REGISTERS.TIMERS_ROUTING.offset);
  a.ldr(r1, [r0]);
  a.orr(r1, r1, LOCAL_SOURCE.CNTVIRQ);
  a.str(r1, [r0]);
  a.movw(r0, TABLE);
  a.mcr(reg.TTBR0, r0);
  a.mvn(r0, 0);
  a.mcr(reg.DACR, r0);
  a.mov(r0, 0);
  a.mcr(reg.TTBCR, r0);
  a.mrc(reg.SCTLR, r0);
  a.orr(r0, r0, 1);
  a.mcr(reg.SCTLR, r0);
  a.isb();
  const there = a.label('there');
  a.ldr(r0, there);
  a.bx(r0);
  a.at(there);
  a.word(LOOP - 0x40);
  a.org(LOOP - 0x40);
  count(
    a,
    HOST,
    1,
    () => {
      a.nop();
    },
    () => {
      load(a, r6, TICK);
      a.mcr(reg.CNTV_TVAL, r6);
      a.mov(r6, 1);
      a.mcr(reg.CNTV_CTL, r6);
      a.wfi();
    },
  );
  return a.assemble();
}
/** Rounds of the guests' spin, and counts of the system counter that the host sleeps: some 50 µs. */
const [ROUND, TICK] = [25_000, 1000];
export const [HOST, FIRST, SECOND] = [0x1111, 0x2222, 0x3333];

const TABLE = 0x4000;
/** A section that all may read, write and execute. */
const SECTION = 0xc02;
function table(): Uint8Array {
  const bytes = new Uint8Array(0x4000);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 0x1000; i++) view.setUint32(4 * i, ((i << 20) | SECTION) >>> 0, true);
  view.setUint32(4 * (GUEST_RAM >>> 20), SECTION, true);
  return bytes;
}

/** PSCI's CPU_ON (DEN 0022, 5.1). */
const CPU_ON = 0x8400_0003;

/** A guest with two CPUs, which both come to {@link LOOP}, with their numbers in R2. */
const pair = (): Uint8Array =>
  smallGuest((a) => {
    load(a, r0, CPU_ON);
    a.mov(r1, 1);
    load(a, r2, LOOP);
    a.hvc(0);
    const again = a.label('again');
    a.b(again);
    a.org(LOOP);
    a.at(again);
    a.mrc(reg.MPIDR, r2);
    a.and(r2, r2, 0xff);
    spin(a, r6, ROUND);
    a.b(again);
  });

/** The same host, and a guest whose two CPUs share a core. */
export const machineWithPair = (): Promise<Debugged> =>
  debugged(smallImage(countingHost(), [guest(pair(), { name: 'pair', cores: [3, 3] })]));

/** The host and the guests, before the first instruction. */
export async function debuggedMachine(): Promise<Debugged & { readonly image: HypervisorImage }> {
  const image = smallImage(countingHost(), [
    guest(counting(FIRST, 2), { name: 'first' }),
    guest(counting(SECOND, 3), { name: 'second' }),
  ]);
  return { ...(await debugged(image)), image };
}

async function debugged(image: HypervisorImage): Promise<Debugged> {
  const pi = await createBuiltInPi(
    handoverOf(image, [{ name: 'table', address: TABLE, data: table() }]),
    () => undefined,
  );
  const session = createSession(pi, { fast: true });
  const debuggee = debug(pi, session, image.description);
  debuggee.attach();
  return { pi, session, debuggee, run: session.run() };
}
