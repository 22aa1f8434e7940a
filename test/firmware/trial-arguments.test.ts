import { describe, expect, test } from 'vitest';
import { KERNEL_OFFSET } from '../../src/boot/block.js';
import { readKernel } from '../../src/firmware/kernel.js';
import { trialArguments } from '../../src/firmware/trial-arguments.js';
import { foreignCombined, kernelFile } from '../support/boot-files.js';
import { concat, NOPS, text, zImage } from '../support/kernel-files.js';

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
