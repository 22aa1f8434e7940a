/** Diagnostics on a card: put in, kept, taken out, with every method, with guests and without. */
import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { readU32LE } from '../../src/base/bytes.js';
import { buildStub } from '../../src/boot/block.js';
import { buildDiagnosticBlock, buildDiagnosticStub } from '../../src/boot/diagnostics.js';
import { HYPERVISOR_BEGINS } from '../../src/boot/steps.js';
import type { Card } from '../../src/card/card.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import {
  addBlock,
  hasDiagnostics,
  muteBlock,
  splitConfig,
  withDiagnostics,
} from '../../src/setup/config-block.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall, type InstallOptions } from '../../src/setup/install.js';
import { applyPlan, checkPlan, type Method, type Plan } from '../../src/setup/plan.js';
import { listen } from '../support/talking.js';
import { bootPartition, guestFiles, HOST_TREE, kernelFile, type Files } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { startElfOf, stubOf2015, HYP_STUB, TEXTS_2015 } from '../support/stub-sources.js';
import { fixupFor } from '../support/fixups.js';

async function carryOut(card: Card, plan: Plan): Promise<Plan> {
  await applyPlan(card, await checkPlan(card, plan), () => undefined);
  return plan;
}
const install = async (card: Card, options: Partial<InstallOptions> = {}): Promise<Plan> =>
  carryOut(card, await planInstall(card, { method: 'auto', ...options }));

const LINE = '# diagnostics: on ("hypberry install --no-diagnostics" ends that)';
const config = (files: Files): string => new TextDecoder().decode(files['config.txt']);
const ours = (files: Files): string[] =>
  Object.keys(files).filter((it) => /^hypberry-[0-9a-f]{8}\./.test(it));
const row = async (files: Files): Promise<string | undefined> =>
  (await inspectCard(changeableCard(files))).sections
    .flatMap(({ rows }) => rows)
    .find(([name]) => name === 'diagnostics')?.[1];
const fact = async (files: Files): Promise<unknown> =>
  ((await inspectCard(changeableCard(files))).facts as { diagnostics: unknown }).diagnostics;

const WITH_GUESTS = { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') };
const CASES: readonly (readonly [string, Method, Files])[] = [
  ['armstub', 'armstub', bootPartition('svc')],
  ['kernel_old', 'kernel_old', bootPartition('of2015')],
  ['armstub with guests', 'armstub', bootPartition('svc', WITH_GUESTS)],
  ['kernel_old with guests', 'kernel_old', bootPartition('hyp', WITH_GUESTS)],
];

describe.each(CASES)('%s', (_, method, before) => {
  test('is put in, kept by a later install, taken out, and gone to the byte', async () => {
    const files = { ...before };
    const card = changeableCard(files);
    const plain = { ...before };
    await install(changeableCard(plain), { method });
    expect(await fact(plain)).toBe(false);
    expect(await row(plain)).toBeUndefined();

    const plan = await install(card, { method, diagnostics: true });
    expect(plan.notes.join()).toMatch(/serial port .* 115200 baud/);
    expect(config(files).split(/\r?\n/)).toContain(LINE);
    expect(await fact(files)).toBe(true);
    expect(await row(files)).toMatch(/^on: .*serial port/);
    const talking = { ...files };

    expect((await install(card)).changes, 'as it was: on').toEqual([]);
    expect((await install(card, { method, diagnostics: true })).changes).toEqual([]);
    await install(card, { diagnostics: false });
    expect(files, 'off').toEqual(plain);
    expect((await install(card)).changes, 'as it was: off').toEqual([]);
    await install(card, { diagnostics: true });
    expect(files).toEqual(talking);
    await carryOut(card, await planUninstall(card));
    expect(files).toEqual(before);
  });

  test('is kept over a kernel upgrade, as the hook runs install', async () => {
    const files = { ...before };
    await install(changeableCard(files), { method, diagnostics: true });
    const first = ours(files);
    files['kernel7.img'] = kernelFile(9);
    await install(changeableCard(files));
    expect(await fact(files)).toBe(true);
    const isStubAlone = method === 'armstub' && !before['hypberry-guests.json'];
    if (!isStubAlone) expect(ours(files)).not.toEqual(first);
    const reference = { ...before, 'kernel7.img': kernelFile(9) };
    await install(changeableCard(reference), { method, diagnostics: true });
    expect(files).toEqual(reference);
  });

  test('the card says its letters', async () => {
    const files = { ...before };
    await install(changeableCard(files), { method, diagnostics: true });
    const { said } = await listen(await prepareHandover(changeableCard(files)), { ms: 60 });
    expect(said).toContain('\r\n0 abcdefghi in HYP mode\r\n1 abcdefgi');
    expect(said).toMatch(/\r\n0 jkl tree at 0x[0-9a-f]{8}, kernel at 0x00008000, /);
    const guests = before['hypberry-guests.json'] !== undefined;
    expect(said.includes(`${HYPERVISOR_BEGINS}\r\n0 ABC`)).toBe(guests);
  });
});

test('what stands on the card is the block with diagnostics', async () => {
  const stub = bootPartition('svc');
  await install(changeableCard(stub), { diagnostics: true });
  expect(stub[ours(stub)[0]!]).toEqual(buildDiagnosticStub());
  await install(changeableCard(stub), { diagnostics: false });
  expect(stub[ours(stub)[0]!]).toEqual(buildStub());

  const combined = bootPartition('of2015');
  await install(changeableCard(combined), { diagnostics: true });
  const file = combined[ours(combined)[0]!]!;
  expect(file.subarray(0, 0x8000)).toEqual(buildDiagnosticBlock(0x0800_0000));
  expect(file.subarray(0x8000)).toEqual(kernelFile());
});

test('a card that starts HYP mode by itself gets the block where diagnostics are asked for, not otherwise', async () => {
  for (const diagnostics of [undefined, false]) {
    const plan = await planInstall(changeableCard(bootPartition('hyp')), { method: 'auto', diagnostics });
    expect(plan.changes).toEqual([]);
  }
  const plan = await planInstall(changeableCard(bootPartition('hyp')), { method: 'auto', diagnostics: true });
  expect(plan.method).toBe('armstub');
});

test('as a stub it is refused where the firmware puts the tree, or ATAGS, into it', async () => {
  // Knows armstub, and says in its messages nothing of a place for trees but 0x100.
  const startElf = startElfOf([...TEXTS_2015, 'armstub'], [stubOf2015({ ...HYP_STUB, hyp: false })]);
  const firmware = { 'start.elf': startElf, 'fixup.dat': fixupFor(startElf.length) };
  const refusal = async (files: Files, options: Partial<InstallOptions>): Promise<string | undefined> => {
    try {
      await planInstall(changeableCard(files), { method: 'armstub', ...options });
      return undefined;
    } catch (error) {
      return (error as HypberryError).code;
    }
  };
  const low = bootPartition('of2015', firmware);
  expect((await prepareHandover(changeableCard(low))).picked.tree?.address).toBe(0x100);
  expect(await refusal(low, { diagnostics: true })).toBe('setup.diagnostics-tree');
  expect(await refusal(low, { diagnostics: false })).toBeUndefined();
  expect(await refusal(low, { method: 'kernel_old', diagnostics: true })).toBeUndefined();
  const atags = bootPartition('svc', { 'config.txt': 'device_tree=\n' });
  expect(await refusal(atags, { diagnostics: true })).toBe('setup.diagnostics-tree');
  expect(await refusal(atags, {})).toBeUndefined();
});

test('beside an initramfs on firmware of 2015 the tree stays at 0x100, below what the block needs', async () => {
  const files = bootPartition('of2015', {
    'rd.gz': new Uint8Array(5000).fill(7),
    'config.txt': 'initramfs rd.gz followkernel\n',
  });
  await install(changeableCard(files), { diagnostics: true });
  const machine = await prepareHandover(changeableCard(files));
  expect(machine.picked.tree?.address).toBe(0x100);
  expect((await listen(machine, { ms: 60 })).said).toContain('0 jkl tree at 0x00000100,');
});

test('its line is known as ours, also as a comment of a comment, muted, or with other ends of line', () => {
  const before = new TextEncoder().encode('a=1\n');
  const added = addBlock(before, withDiagnostics(['[all]', 'kernel_old=1', '[all]']));
  const text = new TextDecoder().decode(added);
  for (const edited of [text, text.replaceAll('\n', '\r\n'), new TextDecoder().decode(muteBlock(added))]) {
    const { lines, without } = splitConfig(new TextEncoder().encode(edited));
    expect(hasDiagnostics(lines)).toBe(true);
    expect(new TextDecoder().decode(without).trim()).toBe('a=1');
  }
  expect(hasDiagnostics(['[all]', '# diagnostics'])).toBe(false);
  expect(hasDiagnostics(undefined)).toBe(false);
  // Firmware before 2019 reads 78 characters of a line.
  expect(LINE.length).toBeLessThan(78);
  expect(readU32LE(buildDiagnosticStub(), 0xf0)).toBe(0x5afe570b);
});
