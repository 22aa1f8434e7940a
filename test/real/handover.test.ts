import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { inputs, type Inputs } from '../../scripts/lib/inputs.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { watchHandover } from '../../src/engine/handover-watch.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { memoryCard } from '../support/memory-card.js';
import { releasingKernel } from '../support/payloads.js';

let found: Inputs;
beforeAll(async () => {
  found = await inputs();
}, 600_000);

test("today's start.elf hands a kernel over right, but for the core timers' rate, and the virtual one, which its stub starts", async () => {
  const machine = await prepareHandover(
    memoryCard({
      'start.elf': readFileSync(found.firmware.startElf),
      'kernel7.img': releasingKernel(0x8000).image,
      'bcm2709-rpi-2-b.dtb': readFileSync(found.bookworm.dtb),
    }),
  );
  expect(machine.picked.stub.from).toBe('start.elf');
  const pi = await createBuiltInPi(machine, () => undefined, [watchHandover]);
  pi.run(1_000_000);
  const faults = pi.report().handover!.filter(({ ok }) => ok !== true);
  expect(faults.map(({ point, found: what }) => [point, what])).toEqual([
    ['counter', 'the prescaler is 0x0'],
    ['timers', 'every core: virtual timer on'],
  ]);
});
