import { expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1 } from '../../src/isa/registers.js';
import { ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

const CODE = 0x8000;
const ROUNDS = 3;
const END = CODE + 4 * 4;

/** A loop of two instructions behind one, then a branch to itself. */
function loop(): Uint8Array {
  const a = assembler();
  a.mov(r0, ROUNDS);
  const again = a.label('again');
  const end = a.label('end');
  a.at(again);
  a.add(r1, r1, 1);
  a.subs(r0, r0, 1);
  a.bne(again);
  a.at(end);
  a.b(end);
  return a.assemble();
}

test('who looks on sees every instruction once, before it is executed, and may stop the run there', async () => {
  const cpu = await bareCpu();
  cpu.memory.load(CODE, loop());
  cpu.machine.u32[15] = CODE;
  const seen: string[] = [];
  cpu.watch({
    wants: () => true,
    instruction: (core, address, physical, word) => {
      expect(physical).toBe(address);
      expect(core.register(15)).toBe(address);
      expect(word).toBe(ramWords(cpu, address, 1)[0]);
      seen.push(`${(address - CODE) / 4} r0=${core.register(0)} r1=${core.register(1)}`);
      return address === END;
    },
  });
  expect(cpu.run(1000)).toBe('stopped');
  expect(cpu.machine.u32[15]).toBe(END);
  expect(seen).toEqual([
    ...['0 r0=0 r1=0', '1 r0=3 r1=0', '2 r0=3 r1=1', '3 r0=2 r1=1'],
    ...['1 r0=2 r1=1', '2 r0=2 r1=2', '3 r0=1 r1=2'],
    ...['1 r0=1 r1=2', '2 r0=1 r1=3', '3 r0=0 r1=3', '4 r0=0 r1=3'],
  ]);
  // Looking costs the machine no time.
  expect(cpu.machine.core.executed).toBe(1 + ROUNDS * 3);
  cpu.watch(undefined);
  expect(cpu.run(2000)).toBe('time');
});
