import { expect, test } from 'vitest';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { noteUserMode } from '../../src/engine/user-mode.js';
import { MODE_USR } from '../../src/isa/program-status.js';
import { guest, handoverOf, quietHost, smallGuest, smallImage, spin } from '../hypervisor/payloads.js';
import { r0 } from '../../src/isa/registers.js';

test('a machine whose guest executes in User mode is noted, and no other', async () => {
  const going = (mode?: number): Uint8Array =>
    smallGuest((a) => {
      const again = a.label('again');
      if (mode !== undefined) a.cps(mode);
      a.at(again);
      spin(a, r0, 4096);
      a.b(again);
    });
  const image = smallImage(quietHost, [guest(going()), guest(going(MODE_USR))]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [noteUserMode]);
  for (let at = 1; at <= 40; at++) pi.run(at * 1e6);
  expect(pi.report().userMode).toEqual([2]);
});
