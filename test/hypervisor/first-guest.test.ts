import { describe, expect, test } from 'vitest';
import { r0, r1, r2, r3, r4 } from '../../src/isa/registers.js';
import { bits } from '../../src/isa/bits.js';
import * as reg from '../../src/isa/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { Engine } from '../../src/engine/engine.js';
import { qemuEngine } from '../../src/node/qemu.js';
import {
  GICC,
  GICD,
  guest,
  handoverOf,
  HOST_TICKS,
  interruptedHost,
  listeningHost,
  load,
  print,
  smallGuest,
  smallImage,
  GUEST_UART,
} from './payloads.js';
import { ramView } from '../support/ram.js';

const PSCI_VERSION = 0x8400_0000;
const TIMER = 27;
const TICKS = 5;

/** Calls the hypervisor, prints, and counts its timer's interrupts in WFI: a dot each, then what ends it. */
const kernel = smallGuest(
  (a) => {
    const [wait, wrong] = [a.label('wait'), a.label('wrong')];
    load(a, r0, PSCI_VERSION);
    a.hvc(0);
    // Major 1, minor 1.
    load(a, r1, 0x1_0001);
    a.cmp(r0, r1);
    a.bne(wrong);
    print(a, 'PSCI 1.1 ');
    load(a, r3, GICD);
    a.mov(r1, 1);
    a.str(r1, [r3]);
    a.mov(r1, 1 << TIMER);
    a.str(r1, [r3, 0x100]);
    load(a, r3, GICC);
    a.mov(r1, 0xf0);
    a.str(r1, [r3, 4]);
    a.mov(r1, 1);
    a.str(r1, [r3]);
    a.mov(r4, TICKS);
    load(a, r0, 19_200);
    a.mcr(reg.CNTV_TVAL, r0);
    a.mcr(reg.CNTV_CTL, r1);
    a.cpsie('i');
    a.at(wait);
    a.wfi();
    a.cmp(r4, 0);
    a.bne(wait);
    print(a, ' done\n');
    a.b(wait);
    a.at(wrong);
    print(a, 'wrong version');
    a.b(wait);
  },
  (a) => {
    // R8 to R12 are free here: the rest of the guest does not use them.
    load(a, r3, GICC);
    a.ldr(r2, [r3, 0xc]);
    a.cmp(r2, TIMER);
    a.subeq(r4, r4, 1);
    load(a, r0, 19_200);
    a.mcr(reg.CNTV_TVAL, r0);
    a.cmp(r4, 0);
    a.moveq(r1, 0);
    a.mcreq(reg.CNTV_CTL, r1);
    a.str(r2, [r3, 0x10]);
    load(a, r3, GUEST_UART);
    a.mov(r2, '.'.charCodeAt(0));
    a.str(r2, [r3]);
    a.subs({ core: 15 }, { core: 14 }, 4);
  },
);
const HCR_VI = bits(reg.HCR, { VI: 1 });
const HCR_IMO = bits(reg.HCR, { IMO: 1 });
const EXPECTED = 'PSCI 1.1 ..... done\n';

describe('a host and one guest', () => {
  const image = smallImage(listeningHost(1), [guest(kernel)]);

  test('in the built-in Pi 2', async () => {
    let said = '';
    const pi = await createBuiltInPi(handoverOf(image), (bytes) => {
      said += new TextDecoder().decode(bytes);
    });
    for (let ms = 1; ms <= 40 && !said.endsWith('\n'); ms++) pi.run(ms * 1_000_000);
    expect(said).toBe(EXPECTED);
    const ticks = ramView(pi.cpu).getUint32(HOST_TICKS, true);
    expect(ticks).toBeGreaterThanOrEqual(5);
  });

  test('in QEMU', async () => {
    expect(await saidBy(qemuEngine())).toBe(EXPECTED);
  });

  describe('whose console interrupts the host', () => {
    const interrupted = smallImage(interruptedHost(1), [guest(kernel)]);

    test('in the built-in Pi 2, its own timer going on', async () => {
      let said = '';
      const pi = await createBuiltInPi(handoverOf(interrupted), (bytes) => {
        said += new TextDecoder().decode(bytes);
      });
      // It has time to set its end up first, and misses nothing meanwhile.
      pi.run(200_000_000);
      expect(said).toBe('');
      pi.run(300_000_000);
      expect(said).toBe(EXPECTED);
      const ticks = ramView(pi.cpu).getUint32(HOST_TICKS, true);
      expect(ticks).toBeGreaterThanOrEqual(290);
      // When nothing waits the controllers are the host's again, and its interrupts come to it directly.
      expect(pi.cpu.machine.cores[0]!.HCR & (HCR_VI | HCR_IMO)).toBe(0);
    });

    test('in QEMU', async () => {
      expect(await saidBy(qemuEngine(), interrupted)).toBe(EXPECTED);
    });
  });

  async function saidBy(engine: Engine, what = image): Promise<string> {
    let said = '';
    const stop = new AbortController();
    const timer = setTimeout(() => {
      stop.abort();
    }, 15_000);
    await engine.run(
      handoverOf(what),
      (bytes) => {
        said += new TextDecoder().decode(bytes);
        if (said.endsWith('\n')) stop.abort();
      },
      stop.signal,
    );
    clearTimeout(timer);
    return said;
  }
});
