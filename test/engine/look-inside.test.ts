import { expect, test } from 'vitest';
import { c, p15, pc, r0, r1, r2, r3 } from '../../src/isa/registers.js';
import { buildBootBlock } from '../../src/boot/block.js';
import { builtInEngine, createBuiltInPi } from '../../src/engine/built-in.js';
import { coreState } from '../../src/engine/core-state.js';
import type { Engine } from '../../src/engine/engine.js';
import { noteOddities } from '../../src/engine/notes.js';
import type { Observe } from '../../src/engine/observer.js';
import { traceTo } from '../../src/engine/trace.js';
import { endAt } from '../../src/engine/until.js';
import { runTrial, type Until } from '../../src/engine/verdict.js';
import { bareGuest, MAIN } from '../support/bare-guest.js';
import { traceBoot } from '../support/entry-state.js';
import { handoverOf } from '../support/handover.js';

const ENTRY = 0x8000;

/** Runs a machine with observers until it ends, 20 µs of virtual time at most; gives the report. */
async function seen(image: Uint8Array, ...observe: readonly Observe[]) {
  const pi = await createBuiltInPi(handoverOf([0, image]), () => undefined, observe);
  pi.run(20_000);
  return { ...pi.report(), ending: pi.ending };
}

test('the trace of the boot block on each core is what QEMU executes', async () => {
  const block = buildBootBlock();
  let text = '';
  const take = traceTo((piece) => (text += piece));
  await seen(block, take);
  const lines = text.split('\n').filter((line) => /^\d/.test(line));
  for (const core of [0, 3]) {
    const ours = lines
      .filter((line) => line.startsWith(`${core} `))
      .map((line) => /^\d +\d+ {2}\w{3} \S+ +([0-9a-f]{8}) {2}([0-9a-f]{8}) {2}\S/.exec(line)!)
      .map(([, address, word]) => ({ address: parseInt(address!, 16), word: parseInt(word!, 16) }));
    const theirs = (await traceBoot(block, ENTRY, core)).map(({ address, word }) => ({ address, word }));
    expect(theirs.length).toBeGreaterThan(20);
    // Ours goes on; QEMU's ends at the kernel or the first WFE.
    expect(ours.slice(0, theirs.length)).toEqual(theirs);
  }
});

test('a line of the trace has core, time, mode, security state, address, word and instruction', async () => {
  const guest = bareGuest((a) => {
    const thumb = a.label('thumb');
    a.cps(22);
    a.mov(r0, 1);
    a.mcr(p15, 0, r0, c(1), c(1), 0);
    // A return to Non-secure SVC, A32.
    a.cps(19);
    a.adr(r1, thumb);
    a.add(r1, r1, 1);
    a.bx(r1);
    a.at(thumb);
    // movs r2, #5; dsb sy; it eq; addeq r2, #1; b .
    a.word(0xf3bf_2205, 0xbf08_8f4f, 0xe7fe_3201);
  });
  let text = '';
  const { cores } = await seen(
    guest,
    endAt(MAIN + 7 * 4 + 10),
    traceTo((piece) => (text += piece)),
  );
  const mine = text.split('\n').filter((line) => line.startsWith('0 ') && !/ 000000[04][0-9a-f] /.test(line));
  const rows = mine.map((line) => line.replace(/^0 +\d+ {2}/, ''));
  // The words are those of the ARM ARM's encodings: A8.8 and B9.3.
  expect(rows).toEqual([
    'svc S   00000054  f1020016  cps #22',
    'mon S   00000058  e3a00001  mov r0, #1',
    'mon S   0000005c  ee010f11  mcr p15, 0, r0, c1, c1, 0  ; SCR',
    'mon S   00000060  f1020013  cps #19',
    'svc NS  00000064  e28f1004  add r1, pc, #4  ; 0x70',
    'svc NS  00000068  e2811001  add r1, r1, #1',
    'svc NS  0000006c  e12fff11  bx r1',
    'svc NS  00000070  2205      movs r2, #5',
    'svc NS  00000072  f3bf8f4f  dsb sy',
    'svc NS  00000076  bf08      it eq',
    'svc NS  00000078  3201      addeq r2, #1',
  ]);
  expect(cores[0]).toMatchObject({ pc: 0x7a, thumb: true, mode: 'svc', secure: false });
});

test('the trace is handed on piece by piece, and the last piece too', async () => {
  const pieces: string[] = [];
  const guest = bareGuest((a) => {
    const again = a.label('again');
    a.at(again);
    a.add(r0, r0, 1);
    a.b(again);
  });
  const pi = await createBuiltInPi(handoverOf([0, guest]), () => undefined, [
    traceTo((piece) => pieces.push(piece)),
  ]);
  pi.run(10_000);
  const before = pieces.length;
  expect(before).toBeGreaterThan(5);
  for (const piece of pieces) {
    expect(piece.length).toBeLessThan(0x1_0100);
    expect(piece.endsWith('\n')).toBe(true);
  }
  const states = pi.cpu.cores.map(coreState);
  pi.report();
  expect(pieces.length).toBe(before + 1);
  // One line an instruction, behind the heading.
  const executed = states.reduce((sum, core) => sum + core.executed, 0);
  expect(pieces.join('').split('\n').length - 2).toBe(executed);
});

test('a run ends before the instruction at an address, on the core that comes there', async () => {
  const guest = bareGuest((a) => {
    a.mov(r1, 7);
    a.mov(r2, 8);
    a.mov(r3, 9);
    a.mov(pc, 0);
  });
  const main = await seen(guest, endAt(MAIN + 8));
  expect(main).toMatchObject({ reachedBy: 0, ending: 'core 0 came to 0x0000005c' });
  // Z from `ands r0, r0, #3`, which leaves C as it was; A, I, F and SVC from reset (ARM ARM A5.2.4, B1.9.1).
  expect(main.cores[0]).toMatchObject({ pc: MAIN + 8, mode: 'svc', secure: true, CPSR: 0x4000_01d3 });
  // r3 as reset left it, unknown.
  expect(main.cores[0]!.registers.slice(0, 4)).toEqual([0, 7, 8, 0xffff_ffff]);
  expect(main.cores[0]!.registers[15]).toBe(MAIN + 8);
  // The branch of the others to their sleep.
  expect(await seen(guest, endAt(MAIN - 8))).toMatchObject({ reachedBy: 1 });
  // An address that nobody comes to, with the same place in its page as one that is executed.
  const never = await seen(guest, endAt(MAIN + 0x1000));
  expect(never).not.toHaveProperty('reachedBy');
  expect(never.ending).toBeUndefined();
});

const playing = (text: string): Engine => ({
  name: 'player',
  run: (_machine, onConsole, signal) => {
    for (const letter of text) if (!signal.aborted) onConsole(new TextEncoder().encode(letter));
    return Promise.resolve({ why: 'the player came to its end' });
  },
});

test('a run ends at a console line with a text, whatever the verdict, and only there', async () => {
  const lines = 'smp: Brought up 1 node, 4 CPUs\nCPU: All CPU(s) started in HYP mode.\nRun /init\nlast';
  const trial = (until: Until) => runTrial(playing(lines), handoverOf(), { timeoutSeconds: 5, until });
  const past = await trial({ text: 'Run /in' });
  expect(past).toMatchObject({ verdict: 'HYP', reached: true });
  expect(past.console.endsWith('mode.\nRun /in')).toBe(true);
  expect(await trial({ text: '4 CPUs' })).toMatchObject({
    verdict: 'NONE',
    reached: true,
    reason: 'The run ended where it was to end, before the kernel said its mode.',
  });
  const not = await trial({ text: 'Run /sbin' });
  expect(not).toMatchObject({ verdict: 'HYP', reached: false });
  expect(not.console).toBe(lines);
  expect(await runTrial(playing(lines), handoverOf(), { timeoutSeconds: 5 })).not.toHaveProperty('reached');
});

test('an address that is reached ends a trial', async () => {
  const guest = bareGuest((a) => {
    a.wfi();
  });
  const engine = builtInEngine([endAt(MAIN)]);
  const verdict = await runTrial(engine, handoverOf([0, guest]), {
    timeoutSeconds: 20,
    until: { address: MAIN },
  });
  expect(verdict).toMatchObject({ verdict: 'NONE', reached: true, machine: { reachedBy: 0 } });
});

test('UNPREDICTABLE instructions are named once, when they are executed; and what is not modelled', async () => {
  const guest = bareGuest((a) => {
    const again = a.label('again');
    const over = a.label('over');
    a.mov(r2, 3);
    a.at(again);
    a.mov(r0, 0x8000);
    // ldm r0!, {r0, r1}: the base is in the list and written back (ARM ARM A8.8.58).
    a.word(0xe8b0_0003);
    a.subs(r2, r2, 1);
    a.bne(again);
    a.cmp(r2, 0);
    a.beq(over);
    // Decoded with the block, and never executed.
    a.word(0xe8b1_0002);
    a.at(over);
    // The first address behind the BCM2836's local peripherals.
    a.mov(r3, 0x4100_0000);
    a.ldr(r0, [r3]);
    a.wfi();
  });
  const { unpredictable, unmodelled } = await seen(guest, noteOddities);
  expect(unpredictable).toEqual([
    { core: 0, address: MAIN + 8, word: 0xe8b0_0003, disassembly: 'ldm r0!, {r0, r1}' },
  ]);
  expect(unmodelled).toEqual([expect.stringContaining('0x41000000')]);
});
