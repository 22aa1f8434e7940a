/**
 * Counts the instructions of the hypervisor's own functions on its most frequent paths, and those of the same logic in
 * C by gcc -O2, which takes their place in a second machine. The vectors, in assembler, are the same and not counted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/lib/cache.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { EC_HVC, VECTOR_HYP_TRAP, VECTOR_IRQ } from '../../src/cpu/exceptions.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import { caller } from '../../test/hypervisor/costs.js';
import {
  GICC,
  GICC_EOIR,
  GICC_IAR,
  GICC_PMR,
  guest,
  handoverOf,
  quietHost,
  smallImage,
} from '../../test/hypervisor/payloads.js';
import type { Visit } from '../../test/hypervisor/worlds.js';
import { classOf, isAccess, watchWorlds } from '../../test/hypervisor/worlds.js';
import { compileC } from '../translate/compiler.js';

const CORE = 3;
const RUN_NS = 10_000_000;

interface Counted {
  readonly visit: Visit;
  count: number;
}

/** Runs the guest of the costs; gives each of its exits, with the instructions of functions, not of the vectors. */
async function run(
  image: HypervisorImage,
  file: Uint8Array,
  more: { address: number; data: Uint8Array }[],
): Promise<Counted[]> {
  const { symbols } = image.hypervisor;
  const [vectors, entry] = [symbols.get('vectors')!, symbols.get('entry')!];
  const worlds = watchWorlds(true);
  const counts = new Map<Visit, number>();
  const memory = more.map((it) => ({ name: 'gcc', ...it }));
  const pi = await createBuiltInPi(handoverOf({ ...image, file }, memory), () => undefined, [
    worlds.observe,
    () => ({
      watch: {
        wants: (physical) => physical >= vectors,
        instruction: (core, address) => {
          const visit = worlds.visits.at(-1);
          if (core.index === CORE && visit?.core === CORE && (address < vectors || address >= entry))
            counts.set(visit, (counts.get(visit) ?? 0) + 1);
          return false;
        },
      },
    }),
  ]);
  pi.run(RUN_NS);
  return worlds.visits
    .filter(({ core }) => core === CORE)
    .map((visit) => ({ visit, count: counts.get(visit) ?? 0 }));
}

const access =
  (offset: number, write: boolean) =>
  ({ visit }: Counted): boolean =>
    isAccess(visit, GICC + offset, write);

/** The exits compared, and which of the first of them: all machines take the same. */
const paths: readonly (readonly [string, (it: Counted) => boolean])[] = [
  ['hypercall, PSCI version', ({ visit }) => visit.vector === VECTOR_HYP_TRAP && classOf(visit) === EC_HVC],
  ['GICC_PMR, read', access(GICC_PMR, false)],
  ['GICC_PMR, write', access(GICC_PMR, true)],
  ['timer interrupt, its own exit', ({ visit }) => visit.vector === VECTOR_IRQ],
  ['GICC_IAR, read, an interrupt', access(GICC_IAR, false)],
  ['GICC_EOIR, write', access(GICC_EOIR, true)],
];
const SEEN = 8;
const COMPARED = 80;

/** Has the vectors branch to another function than the hypervisor's own. */
function redirect(file: DataView, code: number, image: HypervisorImage, name: string, to: number): void {
  const { symbols } = image.hypervisor;
  const [vectors, entry, from] = [symbols.get('vectors')!, symbols.get('entry')!, symbols.get(name)!];
  for (let at = vectors; at < entry; at += 4) {
    const word = file.getUint32(code + at - vectors, true);
    if (word >>> 24 !== 0xeb || at + 8 + ((word << 8) >> 6) !== from) continue;
    file.setUint32(code + at - vectors, (0xeb000000 | (((to - at - 8) >> 2) & 0xffffff)) >>> 0, true);
    return;
  }
  throw new Error(`the vectors do not branch to ${name}`);
}

await ensureTools(['binutils-arm-none-eabi']);
const image = smallImage(quietHost, [guest(caller)]);
const { symbols, image: code } = image.hypervisor;
const origin = Math.ceil(symbols.get('zeroTo')! / 0x1000) * 0x1000;
/** The hypervisor's functions that the C file calls, by the name of their address there. */
const CALLED = [
  ...['scheduling/scheduler/schedule', 'traps/psci/wait'],
  ...[
    'traps/exceptions/deliverAbort',
    'traps/exceptions/continueOrCrash',
    'traps/system-registers/systemAccess',
  ],
  ...['traps/registers/conditionPasses', 'traps/registers/readRegister', 'traps/registers/writeRegister'],
  ...['devices/pl011/readUart', 'devices/pl011/writeUart'],
];
const define = (macro: string, symbol: string): string => `#define ${macro} ${symbols.get(symbol)!}u\n`;
const addresses = [
  ...CALLED.map((name) => {
    const short = name.split('/').at(-1)!;
    const macro = short.replace(/[A-Z]/g, (it) => `_${it}`).toUpperCase();
    return define(macro, `src/hypervisor/body/${name}`);
  }),
  define('READ_DISTRIBUTOR', 'src/hypervisor/body/devices/gic-distributor/read'),
  define('WRITE_DISTRIBUTOR', 'src/hypervisor/body/devices/gic-distributor/write'),
  define('UARTS', 'uarts'),
];
const source = join(cacheFolder, 'gcc-paths.c');
writeFileSync(
  source,
  `#define TRAP ${symbols.get('trap')!}u\n${addresses.join('')}` +
    readFileSync(join(import.meta.dirname, 'paths.c'), 'utf8'),
);
const c = await compileC(source, origin);
const file = image.file.slice();
const place = Buffer.from(file.buffer).indexOf(code.subarray(0, 256));
for (const name of ['trap', 'irq'])
  redirect(new DataView(file.buffer), place, image, name, c.symbols.get(name)!);
const ours = await run(image, image.file, []);
const theirs = await run(image, file, [{ address: origin, data: readFileSync(c.image) }]);
// Both take the same exits, in the same order: the ten calls, then the interrupts.
const exits = (all: readonly Counted[]): string =>
  all
    .slice(0, COMPARED)
    .map(({ visit: { vector, hsr, address } }) => (vector === VECTOR_IRQ ? 'IRQ' : `${hsr} ${address}`))
    .join();
if (exits(ours) !== exits(theirs)) throw new Error('they do not behave the same');

console.log('instructions executed                translated   gcc -O2   ratio');
const line = (what: string, a: number, b: number): void => {
  const ratio = (a / b).toFixed(2);
  console.log(`${what.padEnd(36)} ${String(a).padStart(10)} ${String(b).padStart(9)} ${ratio.padStart(7)}`);
};
let [sum, sumTheirs] = [0, 0];
for (const [what, wanted] of paths) {
  const [a, b] = [ours, theirs].map((all) => all.filter(wanted).slice(0, SEEN)) as [Counted[], Counted[]];
  if (a.length < SEEN || b.length < SEEN) throw new Error(`${what} was not seen`);
  const [mine, gcc] = [a, b].map((it) => Math.max(...it.map(({ count }) => count))) as [number, number];
  line(what, mine, gcc);
  sum += mine;
  sumTheirs += gcc;
}
line('all together', sum, sumTheirs);
