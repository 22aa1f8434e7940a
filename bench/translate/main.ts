/** Counts the instructions of trap-path logic: translated from AssemblyScript, and compiled by gcc -O2 from C. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileAssemblyScript } from '../../scripts/lib/assemblyscript.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { Cpu } from '../../src/cpu/cpu.js';
import { steadyCounter } from '../../test/support/counter.js';
import { ramWords } from '../../test/support/ram.js';
import { translate } from '../../src/translate/translate.js';
import { compileC } from './compiler.js';

const project = join(import.meta.dirname, '../..');
const ORIGIN = 0x10000;
const STACK = 0x80000;
const START = 0x8000;
const VCPU = 0x100000;
const GIC = 0x101000;
const RING = 0x102000;
const TABLE = 0x110000;
const MEMORY_BYTES = 0x20000;

/** One call: its words as the procedure call standard places them, those behind the fourth on the stack. */
interface Scenario {
  readonly name: string;
  readonly symbol: string;
  readonly words: readonly number[];
  /** Words of memory set before, by address. */
  readonly memory?: Readonly<Record<number, number>>;
}

const gic = { [GIC]: 1, [GIC + 4]: 0xffffffff };
const access = (n: number, write: boolean, size: number): number =>
  (0x93000000 | (size << 22) | (n << 16) | (write ? 0x40 : 0)) >>> 0;
const ARMED = { [VCPU + 0x40]: 1, [VCPU + 0x38]: 1000, [VCPU + 0x48]: 5000 };

const scenarios: readonly Scenario[] = [
  {
    name: 'hypercall, PSCI version',
    symbol: 'hypercall',
    words: [VCPU, 0x4a000000],
    memory: { [VCPU]: 0x84000000 },
  },
  {
    name: 'hypercall, PSCI off',
    symbol: 'hypercall',
    words: [VCPU, 0x4a000000],
    memory: { [VCPU]: 0x84000008 },
  },
  { name: 'hypercall, unknown', symbol: 'hypercall', words: [VCPU, 0x4a000000], memory: { [VCPU]: 7 } },
  {
    name: 'GICD word read',
    symbol: 'distributor',
    words: [GIC, VCPU, 0x100, access(1, false, 2)],
    memory: gic,
  },
  {
    name: 'GICD word write',
    symbol: 'distributor',
    words: [GIC, VCPU, 0x200, access(2, true, 2)],
    memory: gic,
  },
  {
    name: 'GICD SGI',
    symbol: 'distributor',
    words: [GIC, VCPU, 0xf00, access(2, true, 2)],
    memory: { ...gic, [VCPU + 8]: 0x10003 },
  },
  {
    name: 'GICD byte write',
    symbol: 'distributor',
    words: [GIC, VCPU, 0x405, access(3, true, 0)],
    memory: gic,
  },
  {
    name: 'GICD byte read',
    symbol: 'distributor',
    words: [GIC, VCPU, 0x81f, access(0, false, 0)],
    memory: gic,
  },
  {
    name: 'acknowledge, 1 of 1',
    symbol: 'acknowledge',
    words: [GIC],
    memory: { ...gic, [GIC + 8]: 0x08000000 },
  },
  {
    name: 'acknowledge, 1 of 3',
    symbol: 'acknowledge',
    words: [GIC],
    memory: { ...gic, [GIC + 8]: 0x08000011 },
  },
  { name: 'acknowledge, none', symbol: 'acknowledge', words: [GIC], memory: gic },
  { name: 'stage 2, 64 blocks', symbol: 'map', words: [TABLE, 0, 0x40000000, 0, 0x20000000, 0, 64, 0x7fc] },
  { name: 'timer, due', symbol: 'timer', words: [VCPU, 0, 9000, 0], memory: ARMED },
  { name: 'timer, to come', symbol: 'timer', words: [VCPU, 0, 2000, 0], memory: ARMED },
  { name: 'timer, off', symbol: 'timer', words: [VCPU, 0, 2000, 0] },
  { name: 'console put', symbol: 'put', words: [RING, 65] },
  { name: 'classify, data abort', symbol: 'classify', words: [access(0, true, 2)] },
  { name: 'classify, unknown', symbol: 'classify', words: [0xf0000000] },
  { name: 'replace an entry', symbol: 'replace', words: [TABLE, 0, 0x1234, 0x5678] },
];

interface Program {
  readonly image: Uint8Array;
  readonly symbols: ReadonlyMap<string, number>;
}

/** Runs one call; gives the instructions of the callee, R0 and R1, and the memory after it. */
async function measure(program: Program, { symbol, words, memory = {} }: Scenario) {
  const cpu = await Cpu.create({
    ramSize: 0x200000,
    bus: { read: () => 0, write: () => undefined },
    mpidr: [0x80000f00],
    counter: steadyCounter(19_200_000),
    onTimer: () => undefined,
    onPmu: () => undefined,
  });
  cpu.memory.load(ORIGIN, program.image);
  const core = cpu.cores[0]!;
  const ram = ramWords(cpu);
  for (const [address, value] of Object.entries(memory)) ram[Number(address) / 4] = value;
  words.forEach((value, i) => {
    if (i < 4) core.setRegister(i, value);
    else ram[STACK / 4 + i - 4] = value;
  });
  // At the start: WFI, where the call comes back to.
  ram[START / 4] = 0xe320f003;
  core.setRegister(13, STACK);
  core.setRegister(14, START);
  core.setRegister(15, program.symbols.get(symbol)!);
  let count = 0;
  cpu.watch({
    wants: (address) => address >= ORIGIN,
    instruction: () => {
      count++;
      return false;
    },
  });
  const reason = cpu.run(1e6);
  if (reason !== 'idle') throw new Error(`${symbol} did not come back: ${reason}`);
  return {
    count,
    results: [core.register(0), core.register(1)],
    memory: cpu.memory.observe(VCPU, MEMORY_BYTES).slice(),
  };
}

await ensureTools(['binutils-arm-none-eabi']);
const wasm = await compileAssemblyScript({ entry: 'test/translate/samples/logic.ts', baseDir: project });
const ours: Program & { codeEnd: number } = translate(wasm, { origin: ORIGIN });
const c = await compileC(join(import.meta.dirname, 'logic.c'), ORIGIN);
const theirs: Program = { image: readFileSync(c.image), symbols: c.symbols };

console.log('instructions executed                translated   gcc -O2   ratio');
let [sum, sumTheirs] = [0, 0];
for (const scenario of scenarios) {
  const [a, b] = [await measure(ours, scenario), await measure(theirs, scenario)];
  const wide = scenario.symbol === 'timer' || scenario.symbol === 'replace';
  const same = a.results[0] === b.results[0] && (!wide || a.results[1] === b.results[1]);
  if (!same || !a.memory.every((it, i) => it === b.memory[i]))
    throw new Error(`${scenario.name}: they differ`);
  sum += a.count;
  sumTheirs += b.count;
  const ratio = (a.count / b.count).toFixed(2);
  console.log(
    `${scenario.name.padEnd(36)} ${String(a.count).padStart(10)} ${String(b.count).padStart(9)} ${ratio.padStart(7)}`,
  );
}
console.log(
  `${'all together'.padEnd(36)} ${String(sum).padStart(10)} ${String(sumTheirs).padStart(9)} ${(sum / sumTheirs).toFixed(2).padStart(7)}`,
);
console.log(`bytes: ${ours.image.length} translated (with 64-bit division), ${theirs.image.length} by gcc`);
