import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r3, r6 } from '../../src/isa/registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import {
  GICC,
  GICD,
  guest,
  GUEST_RAM,
  handoverOf,
  load,
  quietHost,
  smallGuest,
  smallImage,
} from './payloads.js';
import { ramView } from '../support/ram.js';

/** Words in the guest's memory: what the two handlers have read, then what was read with both masked. */
const FOUND = 0x4000;
// IHI 0048B, sections 4.3 and 4.4.
const [IGROUPR0, SGIR] = [0x80, 0xf00];
const [CTLR, PMR, IAR, EOIR, HPPIR, AIAR, AEOIR, AHPPIR] = [0, 4, 0xc, 0x10, 0x18, 0x20, 0x24, 0x28];
const TO_SELF = 2 << 24;
const FIQ_EN = 1 << 3;

/** Notes a register of the CPU interface's. */
function note(a: Assembler, register: number, word: number): void {
  load(a, r3, GICC);
  load(a, r6, GUEST_RAM + FOUND);
  a.ldr(r2, [r3, register]);
  a.str(r2, [r6, 4 * word]);
}

function send(a: Assembler, id: number): void {
  load(a, r3, GICD);
  load(a, r1, TO_SELF | id);
  a.str(r1, [r3, SGIR]);
}

const back = (a: Assembler): void => {
  a.subs({ core: 15 }, { core: 14 }, 4);
};

const kernel = smallGuest(
  (a) => {
    load(a, r3, GICD);
    a.mov(r1, 3);
    a.str(r1, [r3]);
    // SGI 2 and 4 are of group 1.
    a.mov(r1, (1 << 2) | (1 << 4));
    a.str(r1, [r3, IGROUPR0]);
    load(a, r3, GICC);
    a.mov(r1, 0xf0);
    a.str(r1, [r3, PMR]);
    a.mov(r1, 3 | FIQ_EN);
    a.str(r1, [r3, CTLR]);
    a.cpsie('f');
    send(a, 2);
    // Still pending as an IRQ, which is masked; the FIQ is taken at once.
    send(a, 1);
    note(a, IAR, 5);
    note(a, HPPIR, 6);
    note(a, AHPPIR, 7);
    a.cpsie('i');
    a.nop();
    a.cpsid('if');
    send(a, 3);
    note(a, AIAR, 8);
    note(a, AHPPIR, 9);
    note(a, IAR, 10);
    note(a, IAR, 11);
    load(a, r0, GICD);
    a.ldr(r1, [r0, IGROUPR0]);
    a.str(r1, [r6, 4 * 12]);
    const end = a.label('end');
    a.at(end);
    a.wfi();
    a.b(end);
  },
  (a) => {
    note(a, IAR, 2);
    note(a, AIAR, 3);
    a.str(r2, [r3, AEOIR]);
    note(a, AIAR, 4);
    back(a);
  },
  (a) => {
    note(a, IAR, 0);
    a.str(r2, [r3, EOIR]);
    note(a, AHPPIR, 1);
    back(a);
  },
);

test('group 0 as FIQ, group 1 as IRQ, each by its own registers', async () => {
  const image = smallImage(quietHost, [guest(kernel)]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(10_000_000);
  const view = ramView(pi.cpu);
  const found = Array.from({ length: 13 }, (_, i) =>
    view.getUint32(image.guestMemory[0]! + FOUND + 4 * i, true),
  );
  const [none, other] = [1023, 1022];
  expect(found.slice(0, 2), 'FIQ: SGI 1; then SGI 2 of group 1 is the next').toEqual([1, 2]);
  expect(found.slice(2, 5), 'IRQ: the other group; SGI 2; nothing').toEqual([other, 2, none]);
  expect(found.slice(5, 8), 'SGI 2 is pending').toEqual([other, other, 2]);
  expect(found.slice(8, 12), 'SGI 3 is pending, of group 0').toEqual([none, none, 3, none]);
  expect(found[12]).toBe(0x14);
});
