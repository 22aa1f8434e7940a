/** CPUs of the built-in Pi 2 that load and store what a test tells them to. */
import type { Assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r3, r4, r5 } from '../../src/isa/registers.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import { ramView } from '../support/ram.js';
import type { Hands } from './models/virtio.js';
import { GUEST_RAM, load, smallGuest, smallHost } from './payloads.js';

/** Where a CPU is told what to do: a number, address, value, whether it loads; what it found, and the number again. */
const [GUEST_ORDERS, HOST_ORDERS] = [0x4000, 0x2000];
/** Where that of the host is, which is changed meanwhile. */
export const HOST_ORDERS_AT = [HOST_ORDERS, HOST_ORDERS + 24] as const;
/** The host's core that obeys. */
export const HOST = 0;
const STEP_NS = 2_000;
const MOST_STEPS = 20_000;

/** Does what it is told, for ever. */
const obey =
  (orders: number) =>
  (a: Assembler): void => {
    const again = a.label('again');
    load(a, r4, orders);
    a.mov(r5, 0);
    a.at(again);
    a.ldr(r0, [r4]);
    a.cmp(r0, r5);
    a.beq(again);
    a.mov(r5, r0);
    a.ldr(r1, [r4, 4]);
    a.ldr(r2, [r4, 8]);
    a.ldr(r3, [r4, 12]);
    a.cmp(r3, 0);
    a.streq(r2, [r1]);
    a.ldrne(r2, [r1]);
    a.str(r2, [r4, 16]);
    a.str(r5, [r4, 20]);
    a.b(again);
  };

/** Code of a host and of a guest of that kind. */
export const obeyingHost = (): Uint8Array => smallHost(obey(HOST_ORDERS), () => undefined);
export const obeyingGuest = (): Uint8Array => smallGuest(obey(GUEST_ORDERS + GUEST_RAM));

/**
 * Has loads and stores executed: by the host on {@link HOST}, by the first guest on any other core. The machine runs
 * meanwhile.
 */
export function handsOf(pi: BuiltInPi, image: HypervisorImage): Hands {
  const memory = ramView(pi.cpu);
  const numbers = new Map<number, number>();
  const order = (core: number, address: number, value: number, loads: number): number => {
    const at = core === HOST ? HOST_ORDERS : image.guestMemory[0]! + GUEST_ORDERS;
    const number = (numbers.get(core) ?? 0) + 1;
    numbers.set(core, number);
    [address, value, loads].forEach((it, i) => {
      memory.setUint32(at + 4 + 4 * i, it, true);
    });
    memory.setUint32(at, number, true);
    for (let n = 0; memory.getUint32(at + 20, true) !== number; n++) {
      if (n === MOST_STEPS) throw new Error(`core ${core} does not reach ${address.toString(16)}`);
      pi.run(pi.cpu.time + STEP_NS);
    }
    return memory.getUint32(at + 16, true);
  };
  return {
    memory,
    image,
    load: (core, address) => order(core, address, 0, 1),
    store: (core, address, value) => {
      order(core, address, value, 0);
    },
  };
}
