import { describe, expect, test } from 'vitest';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan } from '../../src/setup/plan.js';
import { upgradeAdvice } from '../../src/setup/upgrade.js';
import { bootPartition, guestFiles, HOST_TREE, kernelFile, type Files } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';

/** A card with a kernel, and install carried out on it. */
async function installed(firmware: 'svc' | 'of2015', more: Files = {}): Promise<Files> {
  const files = bootPartition(firmware, {
    'bcm2709-rpi-2-b.dtb': HOST_TREE,
    'kernel7.img': kernelFile(1, '4.1.13-v7+'),
    ...more,
  });
  const card = changeableCard(files);
  await applyPlan(card, await planInstall(card, { method: 'auto' }), () => undefined);
  return files;
}
const upgraded = (files: Files): Files => ({ ...files, 'kernel7.img': kernelFile(2, '4.1.19-v7+') });
const kernelOf = async (files: Files) => (await inspectCard(changeableCard(files))).kernel;
const FOLDER = '/boot/firmware';
const adviceFor = async (files: Files, running: string, hooks: readonly string[] = []) =>
  upgradeAdvice(running, FOLDER, (await kernelOf(files))!, hooks);

describe('a kernel upgrade', () => {
  test('leaves the copy that kernel_old starts behind: inspect and doctor say so, install mends it', async () => {
    const before = await installed('of2015');
    expect(await kernelOf(before)).toEqual({
      file: 'kernel7.img',
      release: '4.1.13-v7+',
      old: undefined,
      isCopied: true,
    });
    const files = upgraded(before);
    expect((await kernelOf(files))?.old).toEqual({
      file: expect.stringMatching(/^hypberry-.*\.img$/) as string,
      release: '4.1.13-v7+',
    });
    const report = await inspectCard(changeableCard(files));
    const rows = report.sections.flatMap((section) => section.rows.map(([, text]) => text));
    expect(rows).toContainEqual(
      expect.stringMatching(
        /a kernel upgrade is due: hypberry-\S+ .*\(4\.1\.13-v7\+\), not kernel7\.img .*\(4\.1\.19-v7\+\)/,
      ),
    );
    expect(report.facts).toMatchObject({ upgrade: { file: 'kernel7.img', release: '4.1.19-v7+' } });
    const { advice, rows: told } = await adviceFor(files, '4.1.13-v7+');
    expect(advice).toMatch(/^Run "sudo hypberry install \/boot\/firmware", and restart: .*modules/);
    expect(told.map(([name]) => name)).toEqual(['kernel upgrade', 'after an upgrade']);

    const card = changeableCard(files);
    await applyPlan(card, await planInstall(card, { method: 'auto' }), () => undefined);
    expect((await inspectCard(card)).kernel).toMatchObject({
      release: '4.1.19-v7+',
      old: undefined,
    });
    expect((await inspectCard(card)).facts).toMatchObject({ upgrade: null });
  });

  test('does so under the hypervisor, by either method', async () => {
    for (const firmware of ['svc', 'of2015'] as const) {
      const before = await installed(firmware, guestFiles('web'));
      expect(await kernelOf(before)).toMatchObject({ old: undefined, isCopied: true });
      const files = upgraded(before);
      expect((await kernelOf(files))?.old).toMatchObject({ release: undefined });
      expect((await adviceFor(files, '4.1.13-v7+')).advice).toContain('sudo hypberry install');
    }
  });

  test('is no concern of armstub without guests, whose firmware loads the kernel itself', async () => {
    const files = upgraded(await installed('svc'));
    expect(await kernelOf(files)).toEqual({
      file: 'kernel7.img',
      release: '4.1.19-v7+',
      old: undefined,
      isCopied: false,
    });
    expect(await adviceFor(files, '4.1.13-v7+')).toEqual({
      rows: [['next kernel', expect.stringContaining('4.1.19-v7+, from kernel7.img') as string]],
    });
    expect(await adviceFor(files, '4.1.19-v7+')).toEqual({ rows: [] });
  });

  test('doctor says who runs install after the next one', async () => {
    const files = await installed('of2015');
    const after = async (...hooks: string[]) =>
      (await adviceFor(files, '4.1.13-v7+', hooks)).rows.find(([name]) => name === 'after an upgrade')?.[1];
    expect(await after()).toContain('sudo hypberry install --hook /boot/firmware');
    expect(await after('/etc/kernel/postinst.d/zz-hypberry')).toMatch(
      /by itself \(\/etc\/kernel\/.*zz-hypberry\)/,
    );
  });

  test('cannot be told of a card that starts nothing, and that is no failure', async () => {
    const files = await installed('of2015');
    expect(
      await kernelOf(Object.fromEntries(Object.entries(files).filter(([it]) => it !== 'kernel7.img'))),
    ).toBeUndefined();
    expect(
      await kernelOf({ ...files, 'config.txt': new TextEncoder().encode('# hypberry: end\n') }),
    ).toBeUndefined();
  });
});
