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

/** Assembles one line at a time, each to one word; a string is the assembler's refusal. */
export function assembleLines(lines: readonly string[], state: 'arm' | 'thumb' = 'arm'): (number | string)[] {
  return inFolder((folder) => {
    const [source, object, binary] = ['in.s', 'out.o', 'out.bin'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const refused = new Map<number, string>();
    const head = [...ARCHITECTURE, `.${state}`];
    const pad = state === 'arm' ? '.inst 0xe7f000f0' : '.inst.w 0xf7f0a000';
    for (;;) {
      writeFileSync(
        source,
        [...head, ...lines.map((line, i) => (refused.has(i) ? pad : line)), ''].join('\n'),
      );
      const run = spawnSync(`${PREFIX}as`, ['-o', object, source], { encoding: 'utf8' });
      if (run.status === 0) break;
      const before = refused.size;
      for (const [, line, message] of run.stderr.matchAll(/in\.s:(\d+): Error: (.*)/g))
        refused.set(Number(line) - 1 - head.length, message!);
      if (refused.size === before) throw new Error(run.stderr);
    }
    execFileSync(`${PREFIX}objcopy`, ['-O', 'binary', '-j', '.text', object, binary]);
    const bytes = readFileSync(binary);
    if (bytes.length !== lines.length * 4)
      throw new Error(`${lines.length} lines became ${bytes.length} bytes, not ${lines.length * 4}`);
    return lines.map((_, i) => refused.get(i) ?? bytes.readUInt32LE(i * 4));
  });
}

/** objdump's text for each word, which stands at 4 times its index; tabs and runs of blanks are one blank. */
export function disassembleWords(words: readonly number[], state: 'arm' | 'thumb' = 'arm'): string[] {
  return inFolder((folder) => {
    const [source, object] = ['in.s', 'out.o'].map((name) => join(folder, name)) as [string, string];
    const inst = words.map((word) => `.inst 0x${word.toString(16)}`);
    writeFileSync(source, [...ARCHITECTURE, `.${state}`, ...inst, ''].join('\n'));
    execFileSync(`${PREFIX}as`, ['-o', object, source]);
    const text = execFileSync(`${PREFIX}objdump`, ['-d', '-z', object], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
    const lines = [...text.matchAll(/^ *([0-9a-f]+):\t[0-9a-f]{8} *\t(.*)$/gm)];
    const result: string[] = [];
    for (const [, address, line] of lines)
      result[parseInt(address!, 16) / 4] = line!.replace(/\s+/g, ' ').trim();
    if (result.length !== words.length)
      throw new Error(`objdump gave ${result.length} lines for ${words.length} words`);
    return result;
  });
}
