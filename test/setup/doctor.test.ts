import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { readFdt } from '../../src/firmware/fdt.js';
import { changeHostTree } from '../../src/guest/host-tree.js';
import { diagnose, type PiFacts } from '../../src/setup/doctor.js';
import { HOST_TREE } from '../support/boot-files.js';

const HYP_LOG = 'x\n[    0.105] CPU: All CPU(s) started in HYP mode.\n';
const SVC_LOG = 'x\n[    0.105] CPU: All CPU(s) started in SVC mode.\n';
const MIXED_LOG =
  '[    0.1] CPU: WARNING: CPU(s) started in wrong/inconsistent modes (primary CPU mode 0x1a)';

const pi = (facts: Partial<PiFacts>): PiFacts => ({
  model: 'Raspberry Pi 2 Model B Rev 1.1',
  revision: 0x00a0_1041,
  compatible: ['raspberrypi,2-model-b', 'brcm,bcm2836'],
  kernel: '6.1.21-v7+',
  kernelLog: SVC_LOG,
  bootFolder: '/boot/firmware',
  closedFolder: undefined,
  nodes: ['cpus', 'memory@0', 'soc'],
  ...facts,
});

describe('the SoC', () => {
  // Revision codes: facts of Raspberry Pi's documentation, "Raspberry Pi revision codes".
  test.each<[string, Partial<PiFacts>, string | undefined]>([
    ['a Pi 2 v1.1', {}, 'BCM2836'],
    ['one of them with its warranty bit set', { revision: 0x03a0_1041 }, 'BCM2836'],
    ['a Pi 2 v1.2', { revision: 0x00a0_2042 }, 'BCM2837'],
    ['a Pi 3', { revision: 0x00a0_2082 }, 'BCM2837'],
    ['a Pi 4', { revision: 0x00c0_3111 }, 'BCM2711'],
    ['a Pi Zero', { revision: 0x0090_0092 }, 'BCM2835'],
    ['a Pi 2 by its tree alone', { revision: undefined }, 'BCM2836'],
    [
      "a Pi 2 by Raspberry Pi's tree of 2015",
      { revision: undefined, compatible: ['brcm,bcm2709'] },
      'BCM2836',
    ],
    ['a Pi 1', { revision: 0x000e, compatible: ['raspberrypi,model-b', 'brcm,bcm2835'] }, 'BCM2835'],
    ['a PC', { model: undefined, revision: undefined, compatible: [] }, undefined],
    ['another board', { revision: undefined, compatible: ['pine64,pine64'] }, undefined],
  ])('of %s', (_, facts, soc) => {
    expect(diagnose(pi(facts), undefined).soc).toBe(soc);
  });
});

describe('what to do next', () => {
  test.each<[string, Partial<PiFacts>, 'HYP' | 'SVC' | 'unknown' | undefined, string, RegExp]>([
    ['in HYP mode', { kernelLog: HYP_LOG }, 'HYP', 'HYP', /nothing to do/],
    [
      'in SVC mode',
      {},
      'SVC',
      'SVC',
      /hypberry try \/boot\/firmware.*sudo hypberry install \/boot\/firmware/,
    ],
    ['after install, before the restart', {}, 'HYP', 'SVC', /restart/],
    ['in HYP mode, after uninstall', { kernelLog: HYP_LOG }, 'SVC', 'HYP', /SVC mode the next time/],
    [
      'as the host of guests',
      { nodes: ['cpus', 'soc', 'serial@40010000', 'serial@40011000'] },
      'HYP',
      'SVC',
      /hypervisor.*nothing to do/,
    ],
    [
      'as a host that was started alone',
      { kernelLog: HYP_LOG, nodes: ['cpus', 'soc', 'console-clock'] },
      'HYP',
      'HYP',
      /guests did not start.*less memory.*gpu_mem and total_mem.*sudo hypberry install \/boot\/firmware/,
    ],
    [
      'with a boot folder that may not be looked into',
      { bootFolder: undefined, closedFolder: '/boot/firmware' },
      undefined,
      'SVC',
      /\/boot\/firmware.*sudo hypberry doctor/,
    ],
    ['with files there that may not be read', {}, undefined, 'SVC', /may not be read.*sudo hypberry doctor/],
    ['in different modes', { kernelLog: MIXED_LOG }, 'SVC', 'MIXED', /hypberry install/],
    ['with a log that may not be read', { kernelLog: undefined }, 'HYP', 'unknown', /sudo hypberry doctor/],
    ['with a log that does not say', { kernelLog: 'x' }, 'SVC', 'unknown', /hypberry install/],
    ['with no boot folder', { bootFolder: undefined }, undefined, 'SVC', /Mount the boot partition/],
    ['on a Pi 2 v1.2', { revision: 0x00a0_2042 }, 'SVC', 'SVC', /BCM2837.*not the Pi 2's BCM2836/],
    ['on a Pi 1', { revision: undefined, compatible: ['brcm,bcm2835'] }, 'SVC', 'SVC', /no HYP mode/],
    [
      'on a PC',
      { revision: undefined, compatible: [] },
      undefined,
      'SVC',
      /no Raspberry Pi.*hypberry inspect/,
    ],
  ])('%s', (_, facts, cardStarts, mode, advice) => {
    const diagnosis = diagnose(pi(facts), cardStarts && { starts: cardStarts });
    expect(diagnosis.mode).toBe(mode);
    expect(diagnosis.advice).toMatch(advice);
    expect(diagnosis.advice, 'one sentence').toMatch(/^[^\n]*[.]$/);
  });

  test('is what install asks for, where it refuses the card', () => {
    const refusal = new HypberryError('setup.no-bootcode', 'There is none.', 'Copy it.');
    expect(diagnose(pi({}), { starts: 'none', refusal }).advice).toMatch(
      /refuses it: There is none\. Copy it\.$/,
    );
    // The running system is what it is.
    expect(diagnose(pi({ kernelLog: HYP_LOG }), { starts: 'none', refusal }).advice).toMatch(/nothing to do/);
  });
});

test('the hypervisor is known by the consoles that it puts into the tree of the host', () => {
  const tree = readFdt(HOST_TREE);
  const names = (): string[] => tree.root.children.map(({ name }) => name);
  expect(diagnose(pi({ nodes: names() }), undefined).underHypervisor).toBe(false);
  changeHostTree(tree, 3, 2);
  expect(diagnose(pi({ nodes: names() }), undefined)).toMatchObject({
    underHypervisor: true,
    startedAlone: false,
    hasChannel: false,
  });
  const withChannel = readFdt(HOST_TREE);
  changeHostTree(withChannel, 3, 2, { address: 0x3780_0000, size: 0x20_0000 });
  const nodes = withChannel.root.children.map(({ name }) => name);
  expect(diagnose(pi({ nodes }), undefined).hasChannel).toBe(true);
  // What is left of its tree where it starts the host alone.
  const left = names().filter((it) => !it.startsWith('serial@4001'));
  expect(diagnose(pi({ nodes: left }), undefined)).toMatchObject({
    underHypervisor: false,
    startedAlone: true,
  });
});
