/** GNU binutils for Arm, the second opinion on every encoding. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'arm-none-eabi-';

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'hypberry-arm-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Fails with a sentence that says what to install, where the tools are not there. */
export function requireBinutils(): void {
  for (const tool of ['as', 'objcopy', 'objdump']) {
    if (spawnSync(PREFIX + tool, ['--version']).error) {
      throw new Error(
        `${PREFIX}${tool} is not on PATH: these tests compare with GNU binutils. Install the package binutils-arm-none-eabi.`,
      );
    }
  }
}

/** The architecture the tests ask for: all that a Cortex-A7 has. */
const ARCHITECTURE = ['.syntax unified', '.arch armv7ve', '.arch_extension sec', '.fpu neon-vfpv4'];

/** Instructions stand at multiples of this, so that a refused one moves no other. */
const STEP = 4;

/**
 * Assembles one instruction a line, each at 4 (or `step`) times its index. Gives words, in T32 halfwords or two of them with the
 * first on top; a string is the assembler's refusal.
 */
export function assembleLines(
  lines: readonly string[],
  state: 'arm' | 'thumb' = 'arm',
  step = STEP,
): (number | string)[] {
  return inFolder((folder) => {
    const [source, object, binary] = ['in.s', 'out.o', 'out.bin'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const refused = new Map<number, string>();
    const head = [...ARCHITECTURE, `.${state}`];
    const place = (line: string, i: number): string =>
      `.org ${i * step}; ${refused.has(i) ? `.space ${step}` : line}`;
    for (;;) {
      writeFileSync(source, [...head, ...lines.map(place), `.org ${lines.length * step}`, ''].join('\n'));
      const run = spawnSync(`${PREFIX}as`, ['-o', object, source], { encoding: 'utf8' });
      if (run.status === 0) break;
      const before = refused.size;
      for (const [, line, message] of run.stderr.matchAll(/in\.s:(\d+): Error: (.*)/g))
        refused.set(Number(line) - 1 - head.length, message!);
      if (refused.size === before) throw new Error(run.stderr);
    }
    execFileSync(`${PREFIX}objcopy`, ['-O', 'binary', '-j', '.text', object, binary]);
    const bytes = readFileSync(binary);
    if (bytes.length !== lines.length * step)
      throw new Error(`${lines.length} lines became ${bytes.length} bytes, not ${lines.length * step}`);
    return lines.map((_, i) => {
      const [first, second] = [bytes.readUInt16LE(i * step), bytes.readUInt16LE(i * step + 2)];
      if (state === 'arm') return refused.get(i) ?? bytes.readUInt32LE(i * step);
      return refused.get(i) ?? (first >>> 11 >= 0b11101 ? first * 0x10000 + second : first);
    });
  });
}

/**
 * objdump's text for each instruction, which stands at 4 times its index; tabs and runs of blanks are one blank.
 */
export function disassembleWords(words: readonly number[], state: 'arm' | 'thumb' = 'arm'): string[] {
  return inFolder((folder) => {
    const [source, object] = ['in.s', 'out.o'].map((name) => join(folder, name)) as [string, string];
    const width = (word: number): string => (state === 'arm' ? '' : word >>> 16 === 0 ? '.n' : '.w');
    const inst = words.map((word, i) => `.org ${i * STEP}; .inst${width(word)} 0x${word.toString(16)}`);
    writeFileSync(source, [...ARCHITECTURE, `.${state}`, ...inst, ''].join('\n'));
    execFileSync(`${PREFIX}as`, ['-o', object, source]);
    const text = execFileSync(`${PREFIX}objdump`, ['-d', '-z', object], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
    const result: string[] = [];
    for (const [, address, line] of text.matchAll(/^ *([0-9a-f]+):\t[0-9a-f]{4}[0-9a-f ]* *\t(.*)$/gm)) {
      const at = parseInt(address!, 16) / STEP;
      if (Number.isInteger(at)) result[at] = line!.replace(/\s+/g, ' ').trim();
    }
    const missing = words.findIndex((_, i) => result[i] === undefined);
    if (missing >= 0) throw new Error(`objdump gave nothing for word ${missing}`);
    return result;
  });
}
