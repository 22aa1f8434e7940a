/** The system counter under a hypervisor that firmware's own stub has started, which leaves its rate as it was. */
import { expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { readU32LE } from '../../src/base/bytes.js';
import { KERNEL_OFFSET } from '../../src/boot/block.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { armstub7, bootCodeWith } from '../support/yardsticks.js';
import { BRANCH_TO_ITSELF } from '../support/bare-guest.js';
import { consoleText, guest, handoverOf, quietHost, smallImage } from './payloads.js';
import { words } from '../support/handover.js';

/** MRRC of CNTPCT, whatever its two registers. */
const REGISTERS = 0x000f_f000;
const readsCounter = ((): ((word: number) => boolean) => {
  const a = assembler(0);
  a.mrrc(reg.CNTPCT, r0, r1);
  const word = readU32LE(a.assemble(), 0);
  return (other) => (other & ~REGISTERS) >>> 0 === (word & ~REGISTERS) >>> 0;
})();

/** The APB clock, by twos, divided: CONTROL and PRESCALER (QA7 4.2). */
const [CONTROL, PRESCALER] = [0x300, 0x0123_4567];

test('counts the crystal, undivided, before it is read for the first time', async () => {
  const image = smallImage(quietHost, [guest(words(BRANCH_TO_ITSELF))]);
  const machine = handoverOf(image);
  const [, ...others] = machine.memory;
  const data = bootCodeWith(armstub7(0x100), KERNEL_OFFSET);
  const seen: (readonly number[])[] = [];
  const { symbols } = image.hypervisor;
  const [from, to] = [symbols.get('vectors')!, symbols.get('configuration')!];
  const pi = await createBuiltInPi(
    { ...machine, memory: [{ name: 'stub', address: 0, data }, ...others] },
    () => undefined,
    [
      ({ cpu, board }) => ({
        watch: {
          wants: (physical) =>
            physical >= from && physical < to && readsCounter(readU32LE(cpu.memory.observe(physical, 4), 0)),
          instruction: () => {
            if (seen.length < 1000) {
              const { control, prescaler } = board.local.state;
              seen.push([control, prescaler >>> 0]);
            }
            return false;
          },
        },
      }),
    ],
  );
  const { state } = pi.board.local;
  [state.control, state.prescaler] = [CONTROL, PRESCALER];
  pi.run(5_000_000);
  expect(consoleText(image, pi.cpu.memory.observe(), -1)).toContain('started');
  expect(seen.length).toBeGreaterThan(3);
  for (const it of seen) expect(it).toEqual([0, 0x8000_0000]);
});
