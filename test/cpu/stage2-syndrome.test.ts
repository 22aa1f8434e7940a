import { expect, test } from 'vitest';
import { r0, r1, r2 } from '../../src/isa/registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import {
  consoleText,
  guest,
  GUEST_KERNEL,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  load,
  print,
  quietHost,
  smallGuest,
  smallImage,
} from '../hypervisor/payloads.js';

/** After so many bytes two pages have the same place in the TLB. */
const TLB_PERIOD = 0x100_0000;

test('a trapped access has its syndrome where its data has driven its own page out of the TLB', async () => {
  const kernel = smallGuest((a) => {
    const end = a.label('end');
    load(a, r2, GUEST_UART);
    load(a, r0, GUEST_RAM + GUEST_KERNEL + TLB_PERIOD);
    a.ldr(r1, [r0]);
    a.ldr(r1, [r2, 0x18]);
    print(a, 'read');
    a.at(end);
    a.wfi();
    a.b(end);
  });
  const image = smallImage(quietHost, [guest(kernel, { memory: TLB_PERIOD + 0x20_0000 })]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(60_000_000);
  expect(consoleText(image, pi.cpu.memory.observe(), 0)).toBe('read');
});
