import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { KERNEL_OFFSET } from '../../src/boot/block.js';
import { readKernel } from '../../src/firmware/kernel.js';
import { trialArguments, trialArgumentsOf } from '../../src/firmware/trial-arguments.js';
import { foreignCombined, kernelFile } from '../support/boot-files.js';
import { ARMV7_CODE, concat, NOPS, text, u32, zImage } from '../support/kernel-files.js';

const of = (file: Uint8Array): readonly string[] => trialArguments(readKernel(file));
const CONSOLE = 'loglevel=7 console=ttyAMA0,115200';
const EARLY = 'loglevel=7 earlycon=pl011,0x3f201000 console=ttyAMA0,115200';

describe('what a trial adds to the command line', () => {
  // Linux 4.3 is the first whose earlycon works on 32-bit Arm ("early fixmap support for earlycon", August 2015).
  test.each(['3.18.16-v7+', '4.0.7-v7+', '4.1.13-v7+', '4.2.5-2709+', '2.6.38', '3.2.0-4-armmp'])(
    'has no earlycon for Linux %s',
    (version) => {
      expect(of(kernelFile(1, version))).toEqual([CONSOLE, '']);
    },
  );
  test.each(['4.3.0', '4.4.50-v7+', '4.19.63-v7+', '5.4.83-v7+', '6.1.0-50-armmp', '10.0.1'])(
    'shows Linux %s from its first line',
    (version) => {
      expect(of(kernelFile(1, version))).toEqual([EARLY, CONSOLE, '']);
    },
  );

  test('is all, for a Linux whose version cannot be read; less follows where it crashes', () => {
    expect(of(zImage())).toEqual([EARLY, CONSOLE, '']);
    expect(trialArguments(undefined)).toEqual([EARLY, CONSOLE, '']);
  });

  test('is told by the kernel behind a block', () => {
    expect(of(foreignCombined(kernelFile(1, '4.0.7-v7+')))).toEqual([CONSOLE, '']);
  });

  test('is all for U-Boot, whose script may hand it on to a kernel', () => {
    const uBoot = concat(NOPS(16), text('U-Boot 2025.01 (Jan 01 2025 - 00:00:00 +0000)\0'));
    expect(readKernel(uBoot).kind).toBe('u-boot');
    expect(of(uBoot)).toEqual([EARLY, CONSOLE, '']);
  });

  test('is nothing for a program that is not known', () => {
    expect(of(NOPS(KERNEL_OFFSET / 4))).toEqual(['']);
  });
});

describe('of a kernel packed with XZ, a trial', () => {
  const packed = (version: string): Uint8Array =>
    execFileSync('xz', ['--check=crc32', '--stdout'], { input: text(`Linux version ${version} (a@b)\n\0`) });
  /** What a zImage of 4.15 or later has behind its byte-order mark (Linux, arch/arm/boot/compressed/head.S). */
  const table = u32(0x4545_4545, 0, 0x40);

  test('unpacks the version where its header does not tell the age', async () => {
    expect(await trialArgumentsOf(zImage({ packed: packed('4.0.7-v7+') }))).toEqual([CONSOLE, '']);
    expect(await trialArgumentsOf(zImage({ packed: packed('4.4.50-v7+') }))).toEqual([EARLY, CONSOLE, '']);
    const behindBlock = foreignCombined(zImage({ packed: packed('4.0.7-v7+') }));
    expect(await trialArgumentsOf(behindBlock)).toEqual([CONSOLE, '']);
  });

  test('takes the table in its header for the word of a kernel that is new enough, and unpacks nothing', async () => {
    // No kernel has both: it shows which of the two was looked at.
    const both = zImage({ code: concat(table, ARMV7_CODE), packed: packed('4.0.7-v7+') });
    expect(readKernel(both)).toMatchObject({ kind: 'zImage', packing: 'xz', hasTable: true });
    expect(await trialArgumentsOf(both)).toEqual([EARLY, CONSOLE, '']);
    expect(await trialArgumentsOf(foreignCombined(both))).toEqual([EARLY, CONSOLE, '']);
  });

  test('does so of Debian’s kernels', async () => {
    const { bookworm, trixie } = await inputs();
    for (const { vmlinuz } of [bookworm, trixie]) {
      const file = new Uint8Array(readFileSync(vmlinuz));
      expect(readKernel(file)).toMatchObject({ packing: 'xz', hasTable: true });
      expect(await trialArgumentsOf(file)).toEqual([EARLY, CONSOLE, '']);
    }
  });
});
