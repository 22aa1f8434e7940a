import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r3, r4, r6, r12, sp } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import { NEAR_UARTS, UART_SIZE, VCPU_FRAME_SIZE, VCPU_SIZE } from '../../src/hypervisor/shared/layout.js';
import {
  consoleText,
  guest,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  load,
  smallGuest,
  smallImage,
  spin,
} from './payloads.js';
import { ramView } from '../support/ram.js';

/** Where the host counts, and the other guest. */
const HOST_COUNT = 0x2000;
const BEATS = 0x4000;
const PSCI_VERSION = 0x8400_0000;
/** Nothing is mapped there in HYP mode. */
const NOWHERE = 0x9000_0000;
const MS = 1_000_000;

/** Counts, and sets the near end of console 1 up each time where that is wanted. */
function host(traps: boolean): Uint8Array {
  const a = assembler(0);
  const again = a.label('again');
  load(a, r3, NEAR_UARTS + 0x1000);
  load(a, r4, HOST_COUNT);
  a.mov(r1, 0);
  a.at(again);
  a.mov(r0, 0);
  if (traps) a.str(r0, [r3, 0x30]);
  a.add(r1, r1, 1);
  a.str(r1, [r4]);
  spin(a, r2, 0x1000);
  a.b(again);
  return a.assemble();
}

/** Has the hypervisor do something for it again and again. */
const asking = smallGuest((a) => {
  const again = a.label('again');
  load(a, r3, GUEST_UART);
  a.at(again);
  load(a, r0, PSCI_VERSION);
  a.hvc(0);
  a.str(r0, [r3]);
  spin(a, r0, 20_000);
  a.b(again);
});

const beating = smallGuest((a) => {
  const again = a.label('again');
  load(a, r6, GUEST_RAM + BEATS);
  a.at(again);
  a.mrrc(reg.CNTVCT, r0, r1);
  a.str(r0, [r6]);
  spin(a, r0, 20_000);
  a.b(again);
});

/** Writes instructions over the beginning of the hypervisor's trap. */
const patched =
  (code: (a: Assembler) => void) =>
  ({ hypervisor }: HypervisorImage, { cpu }: BuiltInPi): void => {
    const at = hypervisor.symbols.get('trap')!;
    const a = assembler(at);
    code(a);
    const bytes = a.assemble();
    cpu.memory.load(at, bytes);
  };
/** Overwrites a word of the hypervisor's data. */
const overwritten =
  (symbol: string, offset: number, value: number) =>
  ({ hypervisor }: HypervisorImage, { cpu }: BuiltInPi): void => {
    ramView(cpu).setUint32(hypervisor.symbols.get(symbol)! + offset, value, true);
  };

// Syndromes: EC in bits 31 to 26, IL in bit 25, which says nothing of most of these (ARM ARM B3.13.6).
const cases = [
  [
    'an instruction that there is not',
    false,
    patched((a) => {
      a.word(0xe7f0_00f0);
    }),
    /^Undefined Instruction, syndrome 0x0[02]000000, pc TRAP, address 0x[0-9a-f]{8}$/,
  ],
  [
    'a call to itself',
    false,
    patched((a) => {
      a.hvc(0x77);
    }),
    /^HVC, syndrome 0x4a000077, pc AFTER, address 0x[0-9a-f]{8}$/,
  ],
  [
    'a jump into nowhere',
    false,
    patched((a) => {
      load(a, r12, NOWHERE);
      a.bx(r12);
    }),
    /^Prefetch Abort, syndrome 0x8[46]000005, pc 0x90000000, address 0x90000000$/,
  ],
  [
    // What it writes to is not to be executed.
    'a jump into its data',
    false,
    patched((a) => {
      a.bx(sp);
    }),
    /^Prefetch Abort, syndrome 0x8[46]00000f, pc 0x[0-9a-f]{8}, address 0x[0-9a-f]{8}$/,
  ],
  [
    // A null reference: the host's memory is there, but not for it.
    'a load from address 0',
    false,
    patched((a) => {
      a.mov(r12, 0);
      a.ldr(r12, [r12]);
    }),
    /^Data Abort, syndrome 0x9[46]000006, pc AFTER, address 0x00000000$/,
  ],
  [
    // The first guest's first vcpu comes behind four of the host's; its machine's address follows its frame.
    'an access to nowhere',
    false,
    overwritten('vcpus', 4 * VCPU_SIZE + VCPU_FRAME_SIZE, NOWHERE),
    /^Data Abort, syndrome 0x9[46]000005, pc 0x[0-9a-f]{8}, address 0x90000000$/,
  ],
  [
    // It makes the log's address one that is mapped nowhere; the number is odd as a near end's.
    'an access to nowhere, while it holds a lock that the host wants',
    true,
    overwritten('uarts', 3 * UART_SIZE, 2 * 0x9000 + 1),
    /^Data Abort, syndrome 0x9[46]000045, pc 0x[0-9a-f]{8}, address 0x9[0-9a-f]{7}$/,
  ],
] as const;

describe('a fault of the hypervisor', () => {
  test.each(cases)(
    'by %s is told, its core stops, and the others go on',
    async (_, hostTraps, breakIt, expected) => {
      const image = smallImage(host(hostTraps), [guest(asking), guest(beating, { cores: [2] })]);
      const pi = await createBuiltInPi(handoverOf(image), () => undefined);
      const view = ramView(pi.cpu);
      const hostCount = (): number => view.getUint32(HOST_COUNT, true);
      const beats = (): number => view.getUint32(image.guestMemory[1]! + BEATS, true);
      pi.run(10 * MS);
      const before = consoleText(image, pi.cpu.memory.observe(), -1);
      expect(before).not.toContain('fault');
      breakIt(image, pi);
      pi.run(15 * MS);
      const told = consoleText(image, pi.cpu.memory.observe(), -1).slice(before.length);
      const trap = image.hypervisor.symbols.get('trap')!;
      const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
      const line = new RegExp(
        expected.source
          .replace('^', '^hypberry: fault in the hypervisor: ')
          .replace('TRAP', hex(trap))
          .replace('AFTER', hex(trap + 4))
          .replace('$', '; core 3 stops\r\n$'),
      );
      expect(told).toMatch(line);
      const [count, beat] = [hostCount(), beats()];
      pi.run(20 * MS);
      expect(hostCount()).toBeGreaterThan(count + 10);
      expect(beats()).toBeGreaterThan(beat);
    },
  );
});
