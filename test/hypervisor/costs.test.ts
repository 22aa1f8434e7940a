import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { measureCosts } from './costs.js';

/** The goals, in instructions executed in HYP mode: what these cost before guests had disks and a network. */
const HYPERCALL = 34;
const TIMER_INTERRUPT = 586;
const BYTE = 383;
/** And for the hypervisor in the file, bytes. */
const SIZE = 48 * 1024;
const HOST_OVERHEAD = 0.001;
const GUEST_SPEED = 0.99;
const MS = 12;

const page = (name: string): string => readFileSync(join(import.meta.dirname, '../..', name), 'utf8');
/** The figure of hypberry's in a row of the table of costs, by how that begins. */
const published = (row: string): number =>
  Number(
    page('INSIDE.md')
      .split('\n')
      .find((line) => line.startsWith(`| ${row}`))!
      .split('|')[2],
  );

test('what the hypervisor costs stays under its goals', async () => {
  const { costs, hostExits, hostTicks, hostOverhead, guestSpeed, size } = await measureCosts(MS);
  const cost = (start: string): number => costs.find(({ what }) => what.startsWith(start))!.instructions;
  expect(cost('hypercall')).toBeLessThanOrEqual(HYPERCALL);
  expect(cost('timer interrupt, all')).toBeLessThanOrEqual(TIMER_INTERRUPT);
  expect(cost('PL011, write')).toBeLessThanOrEqual(BYTE);
  // What the pages say.
  expect(published('hypercall')).toBe(cost('hypercall'));
  expect(published('timer interrupt')).toBe(cost('timer interrupt, all'));
  expect(published('PL011, write')).toBe(cost('PL011, write'));
  expect(published('switch between')).toBe(cost('switch between'));
  expect(published('interrupt into the host')).toBe(cost('interrupt into the host'));
  expect(published("interrupt of the host's own")).toBe(hostExits);
  expect(Number(/A hypervisor of (\d+) KB/.exec(page('README.md'))![1])).toBe(Math.round(size.file / 1024));
  // The host's timer interrupts it every millisecond, and HYP mode never.
  expect(hostTicks).toBeGreaterThanOrEqual(MS - 3);
  expect(hostExits).toBe(0);
  expect(hostOverhead).toBeLessThan(HOST_OVERHEAD);
  expect(guestSpeed).toBeGreaterThanOrEqual(GUEST_SPEED);
  expect(guestSpeed).toBeLessThanOrEqual(1);
  // Beside the guests' own memory and copies of their files it takes 2 MiB, and the channel 2; these copies are a block here.
  expect(size.memory).toBe(0x60_0000);
  expect(size.file).toBeLessThanOrEqual(SIZE);
}, 120_000);
