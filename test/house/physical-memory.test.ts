import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** The parts of the one owner of physical memory, and the table of places that both languages import. */
const OWNERS = ['', 'interpreter/', 'to-wasm/'].map((folder) => `src/cpu/${folder}physical-memory.ts`);
const LAYOUT = 'src/cpu/layout.ts';
/** Those that fill the TLB. */
const FILLERS = ['src/cpu/tlb.ts', 'src/cpu/interpreter/walks.ts'];
/** Has a page of its own, for what a call of WASI reads and writes. */
const OTHER_MEMORY = 'src/node/reader.ts';

const root = join(import.meta.dirname, '../..');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((name) => `src/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.ts') && name !== LAYOUT);

/** How a file reaches RAM past its owner; empty where it does not. */
function waysPast(file: string, text: string): string[] {
  if (OWNERS.includes(file)) return [];
  const ways: string[] = [];
  // Where RAM stands in the WebAssembly.Memory: by the namespace, or by a named import.
  if (/\bL\.RAM\b/.test(text) || /import \{[^}]*\bRAM\b[^}]*\} from '[^']*layout(?:\.js)?'/.test(text))
    ways.push(`${file} knows where RAM stands`);
  // What the interpreter adds to a virtual address: made where the TLB is filled, used by the owner alone.
  if (/\bTLB_ADDEND\b/.test(text) && !FILLERS.includes(file)) ways.push(`${file} makes places of addresses`);
  // An array over all of the memory.
  const makesOne = /\bnew webAssembly\.Memory\b/.test(text) && file !== OTHER_MEMORY;
  if (/\bm\.(?:u8|u16|u32|i32)\.buffer\b/.test(text) || makesOne) ways.push(`${file} has the whole memory`);
  return ways;
}

test('nothing but its owner indexes RAM', () => {
  expect(OWNERS.every((file) => sources.includes(file))).toBe(true);
  expect(sources.flatMap((file) => waysPast(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test('the check sees each way past the owner', () => {
  for (const [file, text] of [
    ['src/cpu/x.ts', 'm.u32[(L.RAM + physical) >>> 2]'],
    ['src/cpu/interpreter/index.ts', `import { PC, RAM } from '../layout';`],
    ['src/cpu/interpreter/index.ts', 'address + load<u32>(entry, TLB_ADDEND)'],
    ['src/engine/x.ts', 'new Uint8Array(m.u8.buffer)'],
    ['src/cpu/x.ts', 'new webAssembly.Memory({ initial: 1, maximum: 1 })'],
  ] as const)
    expect(waysPast(file, text), text).toHaveLength(1);
  expect(waysPast('src/cpu/x.ts', `import { readTableWord } from './physical-memory.js';`)).toEqual([]);
});
