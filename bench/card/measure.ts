/** What sequential reads and writes of the SD card take in Linux on the built-in Pi 2, against QEMU: the same image. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CardPath } from '../../scripts/lib/card-tree.js';
import { cardContents } from '../../test/real/card-machine.js';
import type { Moved } from './run.js';

/** A transfer in both engines. */
export interface CardRatio {
  readonly name: string;
  /** Megabytes a second of the process's time. */
  readonly oursMBs: number;
  readonly theirsMBs: number;
  /** Their time to ours: over 1, ours is faster. */
  readonly ratio: number;
}

/** MiB of the card, a power of two for QEMU, and MiB that are moved. */
const CARD_MIB = 128;
const MOVED_MIB = 64;

const PATHS: readonly (readonly [CardPath, string])[] = [
  ['sdhost', 'SDHOST by DMA'],
  ['emmc', 'EMMC by PIO'],
];

/** @param folder where the image is put */
export function measureCard(folder: string): CardRatio[] {
  mkdirSync(folder, { recursive: true });
  const image = join(folder, 'sd.img');
  writeFileSync(image, cardContents(CARD_MIB));
  return PATHS.flatMap(([path, name]) => {
    const [ours, theirs] = ['built-in', 'qemu'].map((engine) => measureIn(engine, path, image));
    return ours!.map((moved, i) => {
      const speeds = [moved, theirs![i]!].map(
        ({ milliseconds }) => (MOVED_MIB * 2 ** 20) / (milliseconds * 1000),
      );
      const [oursMBs, theirsMBs] = speeds as [number, number];
      return { name: `${name}, ${moved.name}`, oursMBs, theirsMBs, ratio: oursMBs / theirsMBs };
    });
  });
}

function measureIn(engine: string, path: CardPath, image: string): Moved[] {
  const args = ['--import', 'tsx', join(import.meta.dirname, 'run.ts'), engine, path, image];
  const output = execFileSync(process.execPath, [...args, String(MOVED_MIB)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const moved = JSON.parse(output.toString()) as Moved[];
  for (const { name, milliseconds, wallMilliseconds } of moved)
    process.stderr.write(
      `${engine}, ${path}, ${name}: ${(milliseconds / 1000).toFixed(2)} s of the process, ${(wallMilliseconds / 1000).toFixed(2)} s\n`,
    );
  return moved;
}

/** A line a transfer. */
export function cardLines(card: readonly CardRatio[]): string[] {
  const width = Math.max(...card.map(({ name }) => name.length));
  const speed = (it: number): string => `${it.toFixed(1)} MB/s`.padStart(11);
  return card.map(
    ({ name, oursMBs, theirsMBs, ratio }) =>
      `  ${name.padEnd(width)} ${speed(oursMBs)} against ${speed(theirsMBs)}  ${ratio.toFixed(2).padStart(6)}`,
  );
}
