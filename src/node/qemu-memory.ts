/** Looks into a running QEMU: the consoles in its memory, the mini UART, and whether its cores have crashed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readU32LE } from '../base/bytes.js';
import { createTranscript } from '../engine/console.js';
import type { OnConsole } from '../engine/engine.js';
import type { Crash } from '../engine/machine-report.js';
import { followConsole, type MemoryConsole } from '../engine/memory-console.js';
import { connectMonitor, type Monitor } from './qemu-monitor.js';

/** Milliseconds between two looks at the consoles, and at the rest. */
const EVERY = 200;
const REST_EVERY = 1000;

/** What was seen up to the end. */
export interface SeenInQemu {
  readonly crash?: Crash;
  /** Absent where nothing came. */
  readonly miniUart?: string;
}

/**
 * Follows QEMU's machine until `signal` fires, QEMU goes, or the machine has crashed.
 * @throws HypberryError `engine.failed` where QEMU cannot write its memory, and what `onConsole` throws
 */
export async function followQemu(
  folder: string,
  consoles: readonly MemoryConsole[],
  onConsole: OnConsole,
  signal: AbortSignal,
): Promise<SeenInQemu> {
  const monitor = await connectMonitor(folder, signal);
  if (!monitor) return {};
  const readConsoles = consoleReader(monitor, join(folder, 'memory'), consoles, onConsole);
  const findCrash = crashFinder();
  const miniUart = createTranscript();
  const decoder = new TextDecoder();
  let crash: Crash | undefined;
  let nextRest = performance.now() + REST_EVERY;
  while (!signal.aborted && !crash) {
    if (readConsoles && !(await readConsoles())) break;
    if (performance.now() >= nextRest) {
      nextRest = performance.now() + REST_EVERY;
      const [registers, bytes] = [await monitor.registers(), await monitor.miniUart()];
      if (!registers || !bytes) break;
      miniUart.take(decoder.decode(bytes, { stream: true }));
      crash = findCrash(registers);
    }
    const wait = readConsoles ? EVERY : nextRest - performance.now();
    await sleep(Math.max(0, wait), undefined, { signal }).catch(() => undefined);
  }
  monitor.close();
  return { ...(crash && { crash }), ...(miniUart.text !== '' && { miniUart: miniUart.text }) };
}

/** Reads the consoles in memory once a call, which gives false where QEMU is gone; undefined where there are none. */
function consoleReader(
  monitor: Monitor,
  file: string,
  consoles: readonly MemoryConsole[],
  onConsole: OnConsole,
): (() => Promise<boolean>) | undefined {
  if (consoles.length === 0) return undefined;
  // One piece of memory holds them all: the counts come before the rings, so that no byte is counted too early.
  const first = Math.min(...consoles.flatMap(({ log, written }) => [log, written]));
  const end = Math.max(...consoles.flatMap(({ log, size, written }) => [log + size, written + 4]));
  const all = consoles.map((it) => ({ ...it, next: followConsole(it) }));
  return async () => {
    if (!(await monitor.save(first, end - first, file))) return false;
    const memory = await readFile(file);
    for (const { name, log, size, written, next } of all) {
      const ring = memory.subarray(log - first, log - first + size);
      const bytes = next(readU32LE(memory, written - first), ring);
      if (bytes.length > 0) onConsole(bytes, name);
    }
    return true;
  };
}

/** So many looks in a row find a core in the same place with the same registers. */
const LOOKS = 3;

/**
 * Finds a core that takes the same exception again and again: it stays in Abort or Undefined mode, which handlers
 * leave at once, and no register of it changes from look to look.
 */
function crashFinder(): (registers: readonly string[]) => Crash | undefined {
  let before: readonly string[] = [];
  let same: number[] = [];
  return (registers) => {
    same = registers.map((text, core) =>
      /\b(?:abt|und)32\b/.test(text) && text === before[core] ? (same[core] ?? 1) + 1 : 1,
    );
    before = registers;
    const core = same.findIndex((count) => count >= LOOKS);
    if (core < 0) return undefined;
    const mode = /\babt32\b/.test(registers[core]!) ? 'abt' : 'und';
    const [, pc] = /\bR15=([0-9a-f]{8})/.exec(registers[core]!) ?? [];
    const what = `core ${core} is in ${mode} mode at 0x${pc ?? '?'} and takes the same exception again and again`;
    return { core, what };
  };
}
