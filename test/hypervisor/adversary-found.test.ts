/** What adversaries found, each as small as it can be. */
import { expect, test } from 'vitest';
import { r0, r1, r4 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image/image.js';
import * as L from '../../src/hypervisor/shared/layout.js';
import { guest, GUEST_RAM, handoverOf, load, quietHost, smallGuest, smallImage } from './payloads.js';
import { ROUNDS, WRONG, witness, wrongs } from './witness.js';
import { steadyCounter } from '../support/counter.js';
import { ramView } from '../support/ram.js';

/** The system counter of these machines, so much faster than the board's: a slice is 50 µs of virtual time. */
const COUNTER = 1_920_000_000;
const FIRST_GUEST_VCPU = 4;

async function run(
  guests: readonly GuestPlan[],
  ms: number,
): Promise<{ pi: BuiltInPi; image: HypervisorImage }> {
  const image = smallImage(quietHost, guests);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  Object.assign(pi.cpu.machine, { counter: steadyCounter(COUNTER) });
  pi.run(ms * 1_000_000);
  return { pi, image };
}

// An access with FPEXC.EN clear is UNDEFINED before HCPTR can trap it: the other guest got that exception.
test('a guest that turns VFP off leaves it to the others', async () => {
  const turnsOff = smallGuest((a) => {
    const again = a.label('again');
    a.mov(r0, 0xf << 20);
    a.mcr(reg.CPACR, r0);
    a.isb();
    a.at(again);
    for (const value of [0x4000_0000, 0]) {
      load(a, r0, value);
      a.vmsr('FPEXC', r0);
    }
    a.b(again);
  });
  const { pi, image } = await run([guest(turnsOff), guest(witness(1, 4000), { name: 'witness' })], 4);
  const view = ramView(pi.cpu);
  const word = (at: number): number => view.getUint32(image.guestMemory[1]! + at, true);
  const rounds = word(ROUNDS);
  expect(wrongs[word(WRONG)]).toBe('nothing');
  pi.run(6_000_000);
  expect(word(ROUNDS)).toBeGreaterThan(rounds + 20);
});

// Its deadline stayed, in the past: the HYP timer fired again and again, and nobody else on that core came on.
test('a CPU that is switched off with its physical timer set leaves its core to others', async () => {
  const switchesOff = smallGuest((a) => {
    load(a, r0, 100_000);
    a.mcr(reg.CNTP_TVAL, r0);
    a.mov(r0, 1);
    a.mcr(reg.CNTP_CTL, r0);
    load(a, r0, PSCI_CPU_OFF);
    a.hvc(0);
  });
  const { pi, image } = await run([guest(switchesOff), guest(witness(1, 4000), { name: 'witness' })], 3);
  const view = ramView(pi.cpu);
  const rounds = (): number => view.getUint32(image.guestMemory[1]! + ROUNDS, true);
  const before = rounds();
  pi.run(4_000_000);
  // A round is some 5000 instructions: a nanosecond each, without the other guest.
  expect(rounds() - before).toBeGreaterThan(100);
});
const PSCI_CPU_OFF = 0x8400_0002;

// R15 is no place in a vcpu's frame: what stands there is which CPU of its machine it is.
test('a trapped read to R15 changes nothing of the vcpu', async () => {
  const DONE = 0x4000;
  const reads = smallGuest((a) => {
    const end = a.label('end');
    load(a, r0, 0x1234_5678);
    a.mcr(reg.CNTP_TVAL, r0);
    for (const word of READS_TO_R15) a.word(word);
    load(a, r4, GUEST_RAM + DONE);
    a.mov(r1, 1);
    a.str(r1, [r4]);
    a.at(end);
    a.b(end);
  });
  const { pi, image } = await run([guest(reads)], 3);
  const view = ramView(pi.cpu);
  expect(view.getUint32(image.guestMemory[0]! + DONE, true)).toBe(1);
  const vcpu = image.hypervisor.symbols.get('vcpus')! + FIRST_GUEST_VCPU * L.VCPU_SIZE;
  const [, number, core] = [0, 4, 8].map((it) => view.getUint32(vcpu + L.VCPU_FRAME_SIZE + it, true));
  expect({ number, core }).toEqual({ number: 0, core: 3 });
});
/** CNTP_CTL, L2CTLR, CNTP_TVAL and ACTLR into R15. */
const READS_TO_R15 = [0xee1e_ff32, 0xee39_ff50, 0xee1e_ff12, 0xee11_ff30];
