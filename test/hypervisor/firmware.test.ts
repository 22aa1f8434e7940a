/** Guests that begin in firmware at address 0, as QEMU's virt has it in flash. */
import { expect, test } from 'vitest';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { emptyFdt, writeFdt } from '../../src/firmware/fdt.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { lr, pc, r0, r1, r2, r6, r7 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { GuestPlan } from '../../src/hypervisor/image/image.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { ramView } from '../support/ram.js';
import {
  ARM_MEMORY,
  consoleText,
  GUEST_MEMORY,
  GUEST_RAM,
  handoverOf,
  load,
  print,
  quietHost,
} from './payloads.js';

const SECOND_FLASH = 0x0400_0000;
const PAGE = 0x1000;
/** Whole pages, and not all that one table of a second stage maps. */
const SIZE = 3 * PAGE;
const RESULTS = 0x4000;
const ABORTED = 1;
/** What a flattened tree begins with, as a little-endian word (Devicetree Specification 5.2). */
const TREE = 0xedfe_0dd0;
/** What the first word of the second page of each is. */
const [MINE, OTHERS] = [0x1234_5678, 0x9abc_def0];

/** Vectors at 0, where a data abort leaves {@link ABORTED} in R7 and goes on behind; then `main`. */
function firmware(word: number, main: (a: Assembler) => void): Uint8Array {
  const a = assembler(0);
  const [start, onAbort] = [a.label('start'), a.label('on abort')];
  for (const to of [start, start, start, start, onAbort, start, start, start]) a.b(to);
  a.at(onAbort);
  a.mov(r7, ABORTED);
  a.subs(pc, lr, 4);
  a.at(start);
  main(a);
  a.org(PAGE);
  a.word(word);
  a.org(SIZE);
  return a.assemble();
}

const guest = (name: string, data: Uint8Array): GuestPlan => ({
  ...{ name, memory: GUEST_MEMORY, firmware: data, cores: [3] },
  tree: { data: writeFdt(emptyFdt()), offset: 0 },
});

test('firmware is entered at 0, reads itself in both flashes, and changes nothing of it; its tree begins memory', async () => {
  const mine = firmware(MINE, (a) => {
    load(a, r6, GUEST_RAM + RESULTS);
    const keep = (): void => {
      a.str(r1, [r6], 4);
    };
    a.mov(r1, r2);
    keep();
    a.mov(r1, pc);
    keep();
    for (const from of [PAGE, SECOND_FLASH + PAGE, GUEST_RAM]) {
      load(a, r0, from);
      a.ldr(r1, [r0]);
      keep();
    }
    for (const to of [PAGE, SECOND_FLASH + PAGE, SIZE, SECOND_FLASH + SIZE]) {
      a.mov(r7, 0);
      load(a, r0, to);
      a.str(r0, [r0]);
      a.mov(r1, r7);
      keep();
    }
    a.mov(r7, 0);
    load(a, r0, PAGE);
    a.stm(r0, [r1, r2]);
    a.mov(r1, r7);
    keep();
    // Cleaned and invalidated, it is still there.
    load(a, r0, PAGE);
    a.mcr(reg.DCCIMVAC, r0);
    a.mov(r7, 0);
    load(a, r0, SIZE);
    a.ldr(r1, [r0]);
    a.mov(r1, r7);
    keep();
    load(a, r0, PAGE);
    a.ldr(r1, [r0]);
    keep();
    const end = a.label('end');
    a.at(end);
    a.b(end);
  });
  // Where it is itself, and its memory as new, it says so, and starts anew.
  const other = firmware(OTHERS, (a) => {
    const [wrong, end] = [a.label('wrong'), a.label('end')];
    load(a, r6, GUEST_RAM + RESULTS);
    a.ldr(r7, [r6]);
    a.cmp(r7, 0);
    a.bne(wrong);
    a.str(r6, [r6]);
    load(a, r0, PAGE);
    a.ldr(r1, [r0]);
    load(a, r7, OTHERS);
    a.cmp(r1, r7);
    a.bne(wrong);
    print(a, 'fresh ');
    // PSCI SYSTEM_RESET (DEN 0022D, 5.1.10).
    load(a, r0, 0x8400_0009);
    a.hvc(0);
    a.at(wrong);
    print(a, 'wrong');
    a.at(end);
    a.b(end);
  });
  const image = buildHypervisor({
    ...{ armMemory: ARM_MEMORY, hostCores: 3, hostKernel: quietHost },
    guests: [guest('mine', mine), guest('other', other)],
  });
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(60_000_000);

  const view = ramView(pi.cpu);
  const words = Array.from({ length: 12 }, (_, i) =>
    view.getUint32(image.guestMemory[0]! + RESULTS + 4 * i, true),
  );
  expect(words[0]).toBe(GUEST_RAM);
  expect(words[1]).toBeLessThan(PAGE);
  expect(words.slice(2, 5)).toEqual([MINE, MINE, TREE]);
  // Nothing comes of stores, as in QEMU's flash; of several words at once, which the syndrome does not tell of, an abort.
  expect(words.slice(5, 7)).toEqual([0, 0]);
  expect(words.slice(7, 11)).toEqual([ABORTED, ABORTED, ABORTED, ABORTED]);
  expect(words[11]).toBe(MINE);
  expect(consoleText(image, pi.cpu.memory.observe(0, ARM_MEMORY), 1)).toMatch(/^(?:fresh ){3,}$/);
});

test('firmware of odd bytes or of more than one table maps is refused', () => {
  for (const bytes of [100, 0x20_1000])
    expect(() =>
      buildHypervisor({
        ...{ armMemory: ARM_MEMORY, hostCores: 3, hostKernel: quietHost },
        guests: [guest('mine', new Uint8Array(bytes))],
      }),
    ).toThrow(/firmware has \d+ bytes/);
});
