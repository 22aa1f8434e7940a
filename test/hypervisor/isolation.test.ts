import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { lr, p15, c, pc, r0, r1, r2, r6, r7, r8 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { emptyFdt, ensureNode, fdtFromCells, writeFdt } from '../../src/firmware/fdt.js';
import {
  ARM_MEMORY,
  guest,
  GUEST_KERNEL,
  GUEST_MEMORY,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  HOST_TICKS,
  listeningHost,
  load,
  smallImage,
} from './payloads.js';
import { ramView } from '../support/ram.js';

const RESULTS = 0x4000;
const NOTHING = 0;
const UNDEFINED = 1;
const PREFETCH_ABORT = 2;
const DATA_ABORT = 3;

/** Something a guest does in one instruction, and the exception it gets. R0 and R1 are free. */
interface Attempt {
  readonly what: string;
  readonly gets: number;
  readonly does: (a: Assembler) => void;
}

const reading = (what: string, address: number): Attempt => ({
  what: `reads ${what}`,
  gets: DATA_ABORT,
  does: (a) => {
    load(a, r0, address);
    a.ldr(r1, [r0]);
  },
});
const writing = (what: string, address: number): Attempt => ({
  what: `writes ${what}`,
  gets: DATA_ABORT,
  does: (a) => {
    load(a, r0, address);
    a.str(r0, [r0]);
  },
});

const attempts: readonly Attempt[] = [
  reading('address 0', 0),
  reading("the board's UART", 0x3f20_1000),
  writing("the hypervisor's memory", ARM_MEMORY - 0x20_0000),
  writing("the host's memory", 0x8000),
  reading('what is behind its memory', GUEST_RAM + GUEST_MEMORY),
  writing('the last word there is', 0xffff_fffc),
  {
    what: 'jumps into nowhere',
    gets: PREFETCH_ABORT,
    does: (a) => {
      load(a, r0, 0x1000);
      a.add(r8, pc, 0);
      a.bx(r0);
    },
  },
  {
    what: 'reads a device with an instruction that has no syndrome',
    gets: DATA_ABORT,
    does: (a) => {
      load(a, r0, GUEST_UART);
      a.ldm(r0, [r1, r2]);
    },
  },
  {
    what: 'calls Secure state',
    gets: UNDEFINED,
    does: (a) => {
      a.smc(0);
    },
  },
  {
    what: 'calls what there is not',
    gets: NOTHING,
    does: (a) => {
      load(a, r0, 0x1234_5678);
      a.hvc(77);
    },
  },
  {
    what: "reads the implementation's own registers",
    gets: UNDEFINED,
    does: (a) => {
      a.mrc(p15, 4, r0, c(15), c(0), 0);
    },
  },
  {
    what: 'switches coherency off',
    gets: NOTHING,
    does: (a) => {
      a.mov(r0, 0);
      a.mcr(reg.ACTLR, r0);
    },
  },
  {
    what: 'invalidates the cache by set and way',
    gets: NOTHING,
    does: (a) => {
      a.mov(r0, 0);
      a.mcr(reg.DCISW, r0);
    },
  },
  {
    what: 'reads the debug ID',
    gets: NOTHING,
    does: (a) => {
      a.mrc(reg.DBGDIDR, r0);
    },
  },
  {
    what: 'sets the performance monitor up',
    gets: NOTHING,
    does: (a) => {
      a.mcr(reg.PMCR, r0);
    },
  },
  {
    what: 'sets the physical timer',
    gets: NOTHING,
    does: (a) => {
      a.mov(r0, 1);
      a.mcr(reg.CNTP_CTL, r0);
    },
  },
];

const TREE_AT = 0x0100_0000;

/** Makes the attempts one after another; each exception's kind is noted, and the next one made. */
function trying(): Uint8Array {
  const a = assembler(GUEST_RAM + GUEST_KERNEL);
  const start = a.label('start');
  const onUndefined = a.label('on undefined');
  const onPrefetchAbort = a.label('on prefetch abort');
  const onDataAbort = a.label('on data abort');
  const end = a.label('end');
  for (const to of [start, onUndefined, start, onPrefetchAbort, onDataAbort, start, start, start]) a.b(to);
  a.at(onUndefined);
  a.mov(r7, UNDEFINED);
  a.movs(pc, lr);
  a.at(onPrefetchAbort);
  a.mov(r7, PREFETCH_ABORT);
  a.mov(lr, r8);
  a.movs(pc, lr);
  a.at(onDataAbort);
  a.mov(r7, DATA_ABORT);
  a.subs(pc, lr, 4);
  a.at(start);
  load(a, r0, GUEST_RAM + GUEST_KERNEL);
  a.mcr(reg.VBAR, r0);
  load(a, r6, GUEST_RAM + RESULTS);
  for (const { does } of attempts) {
    a.mov(r7, NOTHING);
    does(a);
    a.str(r7, [r6], 4);
  }
  a.at(end);
  a.b(end);
  return a.assemble();
}

test('whatever a guest tries ends in a result or in a fault of its own', async () => {
  const host = listeningHost();
  const image = smallImage(host, [guest(trying())]);
  // A tree says how the memory is split: else the VideoCore is asked, which writes its answer into the file.
  const fdt = emptyFdt();
  ensureNode(fdt, '/memory').properties.set('reg', fdtFromCells(0, ARM_MEMORY));
  const tree = { name: 'tree', address: TREE_AT, data: writeFdt(fdt) };
  const pi = await createBuiltInPi(handoverOf(image, [tree], TREE_AT), () => undefined);
  pi.run(10_000_000);
  const view = ramView(pi.cpu);
  const got = attempts.map((it, i) => ({
    what: it.what,
    gets: view.getUint32(image.guestMemory[0]! + RESULTS + 4 * i, true),
  }));
  expect(got).toEqual(attempts.map(({ what, gets }) => ({ what, gets })));
  // The hypervisor's code is as it was, the host goes on, and its memory was not written.
  const { symbols, image: code } = image.hypervisor;
  const [from, to] = [symbols.get('vectors')!, symbols.get('zeroFrom')!];
  expect(pi.cpu.memory.observe(from, to - from).slice()).toEqual(code.slice(0, to - from));
  // Its kernel has been moved to the file's beginning.
  const memory = pi.cpu.memory.observe(0x8000, image.file.length).slice();
  const moved = Math.ceil(host.length / 32) * 32;
  expect(memory.slice(0, host.length)).toEqual(host);
  expect(memory.slice(moved)).toEqual(image.file.slice(moved));
  expect(view.getUint32(HOST_TICKS, true)).toBeGreaterThanOrEqual(7);
});
