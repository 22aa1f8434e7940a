/** The hypervisor with diagnostics: what it says on the board's serial port, and that without it is as it was. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1 } from '../../src/isa/registers.js';
import { MPIDR } from '../../src/isa/system-registers.js';
import { readU32LE, writeU32LE } from '../../src/base/bytes.js';
import { UART0_BASE } from '../../src/board/bcm2836.js';
import { KERNEL_OFFSET } from '../../src/boot/block.js';
import { HYPERVISOR_BEGINS, HYPERVISOR_STEPS } from '../../src/boot/steps.js';
import { emptyFdt, ensureNode, fdtFromCells, writeFdt } from '../../src/firmware/fdt.js';
import type { Handover } from '../../src/firmware/handover.js';
import { aloneText } from '../../src/hypervisor/shared/messages.js';
import { buildHypervisor, type HypervisorImage } from '../../src/hypervisor/image/image.js';
import { listen, listenInQemu, talkingBlock, withoutCore3 } from '../support/talking.js';
import { ARM_MEMORY, consoleText, guest, handoverOf, load, print, smallGuest } from './payloads.js';

beforeAll(() => ensureTools(['qemu-system-arm']), 300_000);

const TREE_AT = 0x0100_0000;
/** Says `host` on the board's serial port, as it finds it. */
const host = ((): Uint8Array => {
  const a = assembler(0);
  const end = a.label('end');
  load(a, r0, UART0_BASE);
  for (const character of 'host') {
    a.mov(r1, character.charCodeAt(0));
    a.str(r1, [r0]);
  }
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
})();
const guests = [
  guest(
    smallGuest((a) => {
      print(a, 'guest');
      const end = a.label('end');
      a.at(end);
      a.wfi();
      a.b(end);
    }),
    { name: 'talks' },
  ),
  guest(new Uint8Array([0xfe, 0xff, 0xff, 0xea]), { name: 'other', cores: [2] }),
];
const plan = { armMemory: ARM_MEMORY, hostCores: 2, hostKernel: host, guests };
const image = buildHypervisor({ ...plan, diagnostics: true });

function machine(
  built: HypervisorImage = image,
  { block = talkingBlock(undefined, TREE_AT), memory = ARM_MEMORY } = {},
): Handover {
  const fdt = emptyFdt();
  ensureNode(fdt, '/memory@0').properties.set('reg', fdtFromCells(0, memory));
  const base = handoverOf(built, [{ name: 'tree', address: TREE_AT, data: writeFdt(fdt) }], TREE_AT);
  return { ...base, memory: base.memory.map((it) => (it.name === 'stub' ? { ...it, data: block } : it)) };
}

/** What is said behind the block's words. */
const behindBlock = (said: string): string[] =>
  said.slice(said.indexOf(HYPERVISOR_BEGINS)).split('\r\n').slice(1);
const ALL = [
  '0 ABCDEFGH',
  '1 DGH',
  '2 DGH',
  '3 DGH',
  "0 I 4 cores in HYP mode; the host's kernel is entered",
  'host',
];

/** The image with another word in the place of a symbol's first. */
function broken(symbol: string, word: number): HypervisorImage {
  const { symbols, image: code } = image.hypervisor;
  const at = symbols.get(symbol)! - symbols.get('vectors')!;
  const file = image.file.slice();
  // The code stands in the file as it is, but for its place.
  const inFile = Buffer.from(file).indexOf(Buffer.from(code.subarray(0, 0x200)));
  expect(inFile).toBeGreaterThan(0);
  expect(readU32LE(file, inFile + at)).toBe(readU32LE(code, at));
  writeU32LE(file, inFile + at, word);
  return { ...image, file };
}
/** UDF #0 (ARM ARM A8.8.247). */
const UDF = 0xe7f0_00f0;

describe('the hypervisor with diagnostics', () => {
  test('says each step on each core, in turn; host and guests start', async () => {
    const { said, pi } = await listen(machine(), { ms: 300 });
    expect(behindBlock(said)).toEqual(ALL);
    const ram = pi.cpu.memory.observe();
    expect(consoleText(image, ram, -1)).toContain('hypberry: talks: started');
    expect(consoleText(image, ram, 0)).toBe('guest');
  });

  test.each([1, 2])('and so on a board of another make, %i', async (seed) => {
    expect(behindBlock((await listen(machine(), { ms: 300, seed })).said)).toEqual(ALL);
  });

  test('QEMU says the same', async () => {
    expect(behindBlock(await listenInQemu(machine(), 'host'))).toEqual(ALL);
  });

  test('its letters are those of the table, in its order', () => {
    const steps = Object.values(HYPERVISOR_STEPS);
    expect(steps.map(({ letter }) => letter).join('')).toBe('ABCDEFGHI');
    const others = steps.filter(({ core }) => core === 'each').map(({ letter }) => letter);
    expect(ALL[1]).toBe(`1 ${others.join('')}`);
  });

  test('the host finds the serial port as the firmware left it', async () => {
    const found = {
      integerDivisor: 312,
      fractionalDivisor: 32,
      lineControl: 0x60,
      control: 0x301,
      mask: 0x10,
    };
    const { said, pi } = await listen(machine(), {
      ms: 300,
      before: ({ board }) => {
        Object.assign(board.uart.state, found);
        board.gpio.state.functions[14] = 2;
      },
    });
    expect(behindBlock(said)).toEqual(ALL);
    expect(pi.board.uart.state).toMatchObject(found);
    expect(pi.board.gpio.state.functions[14]).toBe(2);
    // Whose turn it was is no message for the host.
    expect(pi.board.local.read(0xc8)).toBe(0);
  });
});

describe('what keeps it from starting is said', () => {
  test('another split of the memory', async () => {
    const divisor = { integerDivisor: 312, fractionalDivisor: 32 };
    const { said, pi } = await listen(machine(image, { memory: ARM_MEMORY - (1 << 20) }), {
      before: ({ board }) => {
        Object.assign(board.uart.state, divisor);
      },
    });
    const [before, behind] = aloneText(ARM_MEMORY >>> 20);
    expect(behindBlock(said)).toEqual(['0 A', `${before}63${behind.trimEnd()}`, 'host']);
    expect(pi.board.uart.state, 'put back').toMatchObject(divisor);
  });

  test('a core that does not come', async () => {
    const block = talkingBlock(withoutCore3, TREE_AT);
    // It is waited for 4 s by the block, and 2 s by the hypervisor, which QEMU is quicker at.
    const said = await listenInQemu(machine(image, { block }), 'host');
    const rest = [ALL[0], ALL[1], ALL[2], "0 I 3 cores in HYP mode; the host's kernel is entered", 'host'];
    expect(behindBlock(said)).toEqual(rest);
  });

  test.each([
    // HYP mode's vectors are still the block's.
    ['invalidateCache', '0 ABCD'],
    ['prepare', '0 ABCDE'],
    // They are its own, with MMU and caches on.
    ['beginCore', '0 ABCDEFGH'],
  ])('a fault in %s', async (symbol, before) => {
    const built = broken(symbol, UDF);
    const { said } = await listen(machine(built), { ms: 50 });
    const pc = image.hypervisor.symbols.get(symbol)!.toString(16).padStart(8, '0');
    const words = ` <-- exception: Undefined Instruction, core 0, pc 0x${pc}, SPSR 0x`;
    const all = behindBlock(said).join('\n');
    expect(all.startsWith(before)).toBe(true);
    expect(all).toContain(words);
    expect(said).not.toContain('host');
  });

  test('it is no kernel of the block’s', async () => {
    const a = assembler(0);
    const others = a.label('others');
    a.mrc(MPIDR, r0);
    a.ands(r0, r0, 3);
    a.at(others);
    a.wfine();
    a.bne(others);
    load(a, r0, KERNEL_OFFSET);
    a.bx(r0);
    const { said } = await listen(machine(image, { block: a.assemble() }));
    // Secure SVC mode, all masked.
    expect(behindBlock(said)[0]).toBe('0 <-- not in HYP mode, CPSR 0x000001d3');
  });
});

test('without diagnostics nothing of it is in the image, whose code is where it would be', () => {
  const plain = buildHypervisor(plan);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  for (const words of [HYPERVISOR_BEGINS, ' <-- ', 'cores in HYP mode; ']) {
    expect(text(image.file)).toContain(words);
    expect(text(plain.file)).not.toContain(words);
  }
  expect(plain.file.length).toBeLessThan(image.file.length);
  expect(plain.description).toEqual(buildHypervisor({ ...plan, diagnostics: false }).description);
});
