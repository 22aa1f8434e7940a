/**
 * The built-in Pi 2 with a host and guests that do what a test has them do, a load or store at a time, as the models' machine
 * has it (machine.ts): so what a driver costs there can be counted.
 */
import type { Assembler } from '../../../src/isa/assembler.js';
import { r0, r1, r2, r4 } from '../../../src/isa/registers.js';
import { createBuiltInPi } from '../../../src/engine/built-in.js';
import type { GuestPlan, HypervisorImage } from '../../../src/hypervisor/image/image.js';
import { guest, GUEST_RAM, handoverOf, load, smallGuest, smallHost, smallImage } from '../payloads.js';
import { ramView } from '../../support/ram.js';
import type { Worlds } from '../worlds.js';
import { watchWorlds } from '../worlds.js';
import type { Machine } from './machine.js';

/** Where in a machine's memory it is told what to do: 1 to store or 2 to load, 0 when it is done; address; value. */
const ORDER = 0x4000;
const [STORE, LOAD] = [1, 2];
/** An order is carried out in less, in nanoseconds. */
const PATIENCE = 100_000_000;
const STEP = 20_000;

function obey(a: Assembler, memory: number): void {
  const wait = a.label('wait');
  load(a, r4, memory + ORDER);
  a.at(wait);
  a.ldr(r0, [r4]);
  a.cmp(r0, 0);
  a.beq(wait);
  a.ldr(r1, [r4, 4]);
  a.ldr(r2, [r4, 8]);
  a.cmp(r0, STORE);
  a.streq(r2, [r1]);
  a.ldrne(r2, [r1]);
  a.str(r2, [r4, 8]);
  a.mov(r0, 0);
  a.str(r0, [r4]);
  a.b(wait);
}

/** What of the models' machine these have. */
export interface Puppets extends Pick<Machine, 'memory' | 'load' | 'store' | 'pc'> {
  readonly image: HypervisorImage;
  readonly worlds: Worlds;
}

/** Makes them: the host on core 0, guest n on core n + 1. */
export async function createPuppets(plans: readonly Partial<GuestPlan>[]): Promise<Puppets> {
  const puppet = smallGuest((a) => {
    obey(a, GUEST_RAM);
  });
  const host = smallHost(
    (a) => {
      obey(a, 0);
    },
    () => undefined,
  );
  const image = smallImage(
    host,
    plans.map((plan, n) => guest(puppet, { cores: [n + 1], ...plan })),
  );
  const worlds = watchWorlds(true);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [worlds.observe]);
  const memory = ramView(pi.cpu);
  pi.run(pi.cpu.time + PATIENCE);
  let orders = 0;
  const order = (core: number, what: number, address: number, value: number): number => {
    const at = (core === 0 ? 0 : image.guestMemory[core - 1]!) + ORDER;
    memory.setUint32(at + 4, address, true);
    memory.setUint32(at + 8, value, true);
    memory.setUint32(at, what, true);
    orders++;
    for (let waited = 0; memory.getUint32(at, true) !== 0; waited += STEP) {
      if (waited > PATIENCE) throw new Error(`core ${core} does not obey`);
      pi.run(pi.cpu.time + STEP);
    }
    return memory.getUint32(at + 8, true);
  };
  return {
    ...{ memory, image, worlds },
    load: (core, address) => order(core, LOAD, address, 0),
    store: (core, address, value) => {
      order(core, STORE, address, value);
    },
    // A store is executed until it is done.
    pc: () => orders,
  };
}
