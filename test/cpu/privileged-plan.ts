/** Puts cases of privileged code into one image, and compares what two machines made of it. */
import { hex } from '../support/hex.js';
import type { Case } from './privileged-cases.js';
import type { Place, Word } from './privileged-prepare.js';
import { CODE_SIZE, HIGH_FILLER, LOW_FILLER, MEMORY_SIZE } from './privileged-prepare.js';
import type { Plan, Ran } from './privileged-machines.js';
import {
  FILLER,
  INPUT_NAMES,
  monitorProgram,
  OUTPUT_NAMES,
  type Outputs,
  setParameters,
} from './privileged-monitor.js';

/** Where the cases' code starts: above the program, below the filler at 16 MiB. */
const CODE = 0x10000;
/** Where all else of the cases starts. */
const DATA = 0x1100000;
const MOST_CASES = (HIGH_FILLER.address - CODE) / CODE_SIZE;

/** Where case `n` of `count` has its code and its memory. */
export function placeOf(n: number, count: number): Place {
  if (count > MOST_CASES) throw new Error(`no more than ${MOST_CASES} cases have room`);
  return { code: CODE + n * CODE_SIZE, memory: DATA + n * MEMORY_SIZE };
}

/** The bytes of instructions as they lie in memory. */
function bytesOf(words: readonly Word[], thumb: boolean): number[] {
  return words.flatMap(({ word, size }) => {
    const halves = size === 2 ? [word] : thumb ? [word >>> 16, word] : [word, word >>> 16];
    return halves.flatMap((half) => [half & 0xff, (half >>> 8) & 0xff]);
  });
}

/** The plan of these cases; `room` is the count that their places were made for. */
export function planOf(cases: readonly Case[], room: number): Plan {
  const results = DATA;
  const outputs = DATA + room * MEMORY_SIZE;
  const inputs = outputs + room * 4 * OUTPUT_NAMES.length;
  const image = new Uint8Array(inputs + cases.length * 4 * INPUT_NAMES.length);
  image.set(monitorProgram());
  const words = new Uint32Array(image.buffer);
  const fill = (address: number, size: number): void => {
    words.fill(FILLER, address / 4, (address + size) / 4);
  };
  fill(LOW_FILLER.address, LOW_FILLER.size);
  fill(HIGH_FILLER.address, HIGH_FILLER.size);
  cases.forEach(({ start, words: code, memory }, n) => {
    const place = placeOf(n, room);
    fill(place.code, CODE_SIZE);
    image.set(bytesOf(code, start.thumb), place.code);
    for (const [address, value] of memory) words[address / 4] = value;
    start.inputs.pc = place.code;
    INPUT_NAMES.forEach((name, i) => {
      words[inputs / 4 + n * INPUT_NAMES.length + i] = start.inputs[name];
    });
  });
  setParameters(image, cases.length, inputs, outputs);
  return { image, count: cases.length, results: { address: results, size: inputs - results } };
}

/** What case `n` left. */
export function outputsOf({ results }: Ran, n: number, room: number): Outputs {
  const at = (room * MEMORY_SIZE) / 4 + n * OUTPUT_NAMES.length;
  return Object.fromEntries(OUTPUT_NAMES.map((name, i) => [name, results[at + i]!])) as Outputs;
}

/** The words of memory that case `n` left otherwise in one machine than in the other. */
export function memoryDifferences(here: Ran, there: Ran, n: number): string[] {
  const from = (n * MEMORY_SIZE) / 4;
  const found: string[] = [];
  for (let i = from; i < from + MEMORY_SIZE / 4; i++) {
    const [a, b] = [here.results[i]!, there.results[i]!];
    if (a !== b) found.push(`[${hex(DATA + 4 * i)}] here ${hex(a)}, QEMU ${hex(b)}`);
  }
  return found;
}
